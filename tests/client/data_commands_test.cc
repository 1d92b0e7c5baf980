// datasets, predict and models against a service in this process.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include <cstdlib>

#include "client/files.h"
#include "client/pair_batch.h"
#include "core/csv/csv_reader.h"
#include "tests/client/cli_fixture.h"
#include "tests/client/protein_vectors.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::SizeIs;

class DataCommandsTest : public CliTest {};

TEST_F(DataCommandsTest, UploadSendsTheFileInChunksWithItsDigest) {
  const std::string contents(3 * (512 << 10) + 17, 'x');
  const std::string path = Write("data.csv", contents);
  ASSERT_EQ(
      Run({"datasets", "prepare", path, "--name", "d", "--split_column", "fold", "--val-size", "0.1", "--detach"}),
      ExitCode::kDone);
  EXPECT_EQ(service_.uploaded, contents);
  EXPECT_LE(service_.largest_chunk, 1u << 20);
  EXPECT_EQ(service_.upload_header.size_bytes(), contents.size());
  Sha256 sha256;
  sha256.Update(contents);
  EXPECT_EQ(service_.upload_header.sha256(), sha256.Hex());
  EXPECT_EQ(service_.upload_header.spec().dataset(), "d");
  EXPECT_EQ(service_.upload_header.spec().file_name(), "data.csv");
  EXPECT_EQ(service_.upload_header.spec().split().split_column(), "fold");
  EXPECT_FALSE(service_.upload_header.spec().split().has_test_size());
}

// The rows of what was uploaded.
std::vector<std::vector<std::string>> UploadedRows(const std::string& path, const std::string& uploaded) {
  std::ofstream(path, std::ios::binary) << uploaded;
  const auto reader = deepbindnet::CsvReader::Open(path);
  std::vector<std::vector<std::string>> rows;
  deepbindnet::CsvRow row;
  while (reader.ok() && (*reader)->Next(&row).value_or(false)) rows.push_back(row.fields);
  return rows;
}

std::string DeepDtaFolder(const std::string& path) {
  std::filesystem::create_directories(path + "/folds");
  std::ofstream(path + "/ligands_can.txt") << R"({"D": "C,C"})";
  std::ofstream(path + "/proteins.txt") << R"({"P1": "MK", "P2": "MV"})";
  std::ofstream(path + "/kiba_binding_affinity_v2.txt") << "11 12.5\n";
  std::ofstream(path + "/folds/train_fold_setting1.txt") << "[[1]]";
  std::ofstream(path + "/folds/test_fold_setting1.txt") << "[0]";
  return path;
}

TEST_F(DataCommandsTest, AFolderIsUploadedAsTheTableThatItStandsFor) {
  const std::string folder = DeepDtaFolder(Path("kiba"));
  ASSERT_EQ(Run({"datasets", "prepare", folder + "/", "--name", "d", "--detach"}), ExitCode::kDone) << err_.str();
  EXPECT_THAT(
      UploadedRows(Path("up"), service_.uploaded),
      ElementsAre(ElementsAre("CHEMBLID", "ProteinID", "compound_iso_smiles", "target_sequence",
                              "Ki  Kd and IC50  (KIBA Score)", "fold"),
                  ElementsAre("D", "P1", "C,C", "MK", "11", "test"), ElementsAre("D", "P2", "C,C", "MV", "12.5", "0")));
  EXPECT_EQ(service_.upload_header.spec().file_name(), "kiba");
  EXPECT_EQ(service_.upload_header.spec().split().split_column(), "fold");
  Sha256 sha256;
  sha256.Update(service_.uploaded);
  EXPECT_EQ(service_.upload_header.sha256(), sha256.Hex());
}

TEST_F(DataCommandsTest, ASplitOptionWinsOverAFoldersFolds) {
  const std::string folder = DeepDtaFolder(Path("kiba"));
  ASSERT_EQ(Run({"datasets", "prepare", folder, "--name", "d", "--split", "cold_drug", "--affinity-direction", "lower",
                 "--detach"}),
            ExitCode::kDone);
  EXPECT_EQ(service_.upload_header.spec().split().split_column(), "");
  EXPECT_EQ(service_.upload_header.spec().split().method(), v1::SplitOptions::COLD_DRUG);
  EXPECT_EQ(service_.upload_header.spec().affinity_direction(), v1::LOWER_BINDS_TIGHTER);
}

TEST_F(DataCommandsTest, ADamagedFolderIsWrongUsageAndNothingIsSentOrLeft) {
  const std::string folder = DeepDtaFolder(Path("kiba"));
  std::filesystem::create_directories(Path("tmp"));
  setenv("TMPDIR", Path("tmp").c_str(), 1);
  ASSERT_EQ(Run({"datasets", "prepare", folder, "--name", "d", "--detach"}), ExitCode::kDone);
  service_.uploaded.clear();
  std::ofstream(folder + "/kiba_binding_affinity_v2.txt") << "11 x\n";
  EXPECT_EQ(Run({"datasets", "prepare", folder, "--name", "d"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("kiba_binding_affinity_v2.txt: line 1: value 2, 'x', is no number and not nan"));
  EXPECT_EQ(service_.uploaded, "");
  EXPECT_TRUE(std::filesystem::is_empty(Path("tmp")));
  unsetenv("TMPDIR");
}

TEST_F(DataCommandsTest, FeaturesAreUploadedInAColumnOfTheTable) {
  const std::string features = WriteNpy(Path("v"), {{1.0F, 0.5F}, {-2.0F, 3.0F}}, "MK\nP2\n");
  const std::string table = Write("t.csv", "smiles,sequence,target_id,y\nC,MK,P1,5\nC,MV,P2,6\nCC,MK,P1,7\n");
  ASSERT_EQ(Run({"datasets", "prepare", table, "--name", "d", "--protein_features", features, "--detach"}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_THAT(UploadedRows(Path("up"), service_.uploaded),
              ElementsAre(ElementsAre("smiles", "sequence", "target_id", "y", "protein_features"),
                          ElementsAre("C", "MK", "P1", "5", "1 0.5"), ElementsAre("C", "MV", "P2", "6", "-2 3"),
                          ElementsAre("CC", "MK", "P1", "7", "")));
  EXPECT_EQ(service_.upload_header.spec().file_name(), "t.csv");
  EXPECT_EQ(Run({"datasets", "prepare", table, "--name", "d", "--protein-features", Path("none.pt")}),
            ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("none.pt: is missing"));
}

TEST_F(DataCommandsTest, UploadOfAMissingOrEmptyFileIsWrongUsage) {
  EXPECT_EQ(Run({"datasets", "prepare", Path("none.csv"), "--name", "d"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("none.csv"), HasSubstr("cannot be read")));
  EXPECT_EQ(Run({"datasets", "prepare", Write("empty.csv", ""), "--name", "d"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is empty"));
}

// Affinity = length of SMILES + 100 times the length of the sequence; a SMILES "bad" has an error.
grpc::Status PredictLengths(const v1::PredictRequest& request, v1::PredictResponse* response) {
  response->set_affinity_unit("pKd");
  response->set_model("m");
  response->set_model_digest("d1");
  for (const auto& pair : request.pairs()) {
    v1::Prediction* prediction = response->add_predictions();
    const std::string& smiles = request.smiles(pair.drug());
    if (smiles == "bad") {
      prediction->set_error("smiles: 'bad' cannot be read");
    } else {
      prediction->set_value(static_cast<double>(smiles.size() + 100 * request.sequences(pair.target()).size()));
    }
  }
  return grpc::Status::OK;
}

TEST_F(DataCommandsTest, PredictsOnePair) {
  service_.predict = PredictLengths;
  EXPECT_EQ(Run({"predict", "--model", "m", "--smiles", "[O-]", "--sequence", "MK"}), ExitCode::kDone);
  EXPECT_EQ(out_.str(), "204.0000 pKd  (model m)\n");
  EXPECT_EQ(Run({"--json", "predict", "--smiles", "CC", "--sequence", "M"}), ExitCode::kDone);
  EXPECT_EQ(JsonLines().at(0)["predicted_affinity"], 102.0);
}

TEST_F(DataCommandsTest, FeaturesOfAPairAreSentWhereThereAreSome) {
  std::vector<v1::PredictRequest> requests;
  service_.predict = [&](const v1::PredictRequest& request, v1::PredictResponse* response) {
    requests.push_back(request);
    response->set_affinity_direction(v1::LOWER_BINDS_TIGHTER);
    return PredictLengths(request, response);
  };
  const std::string features = WriteNpy(Path("v"), {{1.0F, 0.5F}}, "MK\n");
  ASSERT_EQ(Run({"--json", "predict", "--smiles", "C", "--sequence", "mk", "--protein_features", features}),
            ExitCode::kDone);
  EXPECT_EQ(JsonLines().at(0)["affinity_direction"], "lower");
  ASSERT_EQ(Run({"predict", "--smiles", "C", "--sequence", "MV", "--protein-features", features}), ExitCode::kDone);
  EXPECT_THAT(VectorsOf(requests.at(0)), ElementsAre(ElementsAre(1.0F, 0.5F)));
  EXPECT_THAT(VectorsOf(requests.at(1)), ElementsAre());
  EXPECT_EQ(Run({"predict", "--smiles", "C", "--sequence", "MV", "--protein-features", "x.csv"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--protein-features: x.csv: is neither .pt nor .npy"));
}

TEST_F(DataCommandsTest, FeaturesOfATableAreSentOncePerProtein) {
  std::vector<v1::PredictRequest> requests;
  service_.predict = [&](const v1::PredictRequest& request, v1::PredictResponse* response) {
    requests.push_back(request);
    return PredictLengths(request, response);
  };
  const std::string features = WriteNpy(Path("v"), {{1.0F}, {2.0F}, {3.0F}}, "MK\nP2\nP3\n");
  const std::string input =
      Write("pairs.csv", "smiles,sequence,protein_id\nC,MA,\nC,MK,P1\nCC,MK,P1\nC,MV,P2\nC,MV,P3\nCC,MV,P2\n");
  ASSERT_EQ(Run({"predict", "--input", input, "--output", Path("out.csv"), "--protein-features", features}),
            ExitCode::kDone);
  ASSERT_THAT(requests, SizeIs(1));
  EXPECT_THAT(requests[0].sequences(), ElementsAre("MA", "MK", "MV", "MV"));
  EXPECT_THAT(VectorsOf(requests[0]),
              ElementsAre(ElementsAre(), ElementsAre(1.0F), ElementsAre(2.0F), ElementsAre(3.0F)));
  EXPECT_EQ(requests[0].pairs(4).target(), 3u);
  EXPECT_EQ(requests[0].pairs(5).target(), 2u);
}

TEST_F(DataCommandsTest, ATablesDirectionIsThatOfTheModel) {
  service_.predict = [](const v1::PredictRequest& request, v1::PredictResponse* response) {
    response->set_affinity_direction(v1::LOWER_BINDS_TIGHTER);
    return PredictLengths(request, response);
  };
  const std::vector<std::string> command = {
      "--json", "predict", "--input", Write("pairs.csv", "smiles,sequence\nC,M\n"), "--output", Path("out.csv")};
  ASSERT_EQ(Run(command), ExitCode::kDone);
  EXPECT_EQ(JsonLines().at(0)["affinity_direction"], "lower");
  EXPECT_EQ(JsonLines().at(0)["unit"], "pKd");
  service_.predict = PredictLengths;
  ASSERT_EQ(Run(command), ExitCode::kDone);
  EXPECT_EQ(JsonLines().at(0)["affinity_direction"], "unknown");
}

TEST_F(DataCommandsTest, AnUnreadablePairIsOneLineAndExitCodeOne) {
  service_.predict = PredictLengths;
  EXPECT_EQ(Run({"predict", "--smiles", "bad", "--sequence", "MK"}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: smiles: 'bad' cannot be read\n");
}

TEST_F(DataCommandsTest, PredictsATableAndKeepsItsColumns) {
  service_.predict = PredictLengths;
  const std::string input =
      Write("pairs.csv",
            "id,Drug,protein,error,prediction_error\n1,CC,M,0.1,old\n\"2,b\",bad,MK,,\n3,C\xC3\xA9,M,,\n4,CC,MKV,,\n");
  ASSERT_EQ(Run({"predict", "--model", "m", "--input", input, "--output", Path("out.csv")}), ExitCode::kDone);
  EXPECT_EQ(Read("out.csv"),
            "id,Drug,protein,error,predicted_affinity,predicted_unit,prediction_error\n"
            "1,CC,M,0.1,102,pKd,\n"
            "\"2,b\",bad,MK,,,,smiles: 'bad' cannot be read\n"
            "3,C\xC3\xA9,M,,,,smiles: has a character that is not ASCII\n"
            "4,CC,MKV,,302,pKd,\n");
  EXPECT_THAT(err_.str(), HasSubstr("line 3: smiles: 'bad' cannot be read"));
}

TEST_F(DataCommandsTest, ARowOfAnotherWidthDoesNotStopTheRest) {
  service_.predict = PredictLengths;
  const std::string input = Write("pairs.csv", "smiles,sequence,name\nC,M,2,4-D\nCC,M\nCCC,M,x\n");
  ASSERT_EQ(Run({"predict", "--input", input, "--output", Path("out.csv")}), ExitCode::kDone);
  EXPECT_EQ(Read("out.csv"),
            "smiles,sequence,name,predicted_affinity,predicted_unit,prediction_error\n"
            "C,M,2,,,the row has 4 fields and not the header's 3\n"
            "CC,M,,,,the row has 2 fields and not the header's 3\n"
            "CCC,M,x,103,pKd,\n");
}

TEST_F(DataCommandsTest, TheOutputMayBeALinkOrNoRegularFile) {
  service_.predict = PredictLengths;
  const std::string input = Write("pairs.csv", "smiles,sequence\nCC,M\n");
  std::filesystem::create_symlink(Write("real.csv", "old"), Path("link.csv"));
  ASSERT_EQ(Run({"predict", "--input", input, "--output", Path("link.csv")}), ExitCode::kDone);
  EXPECT_TRUE(std::filesystem::is_symlink(Path("link.csv")));
  EXPECT_THAT(Read("real.csv"), HasSubstr("CC,M,102,pKd,"));

  ASSERT_EQ(mkfifo(Path("fifo").c_str(), 0600), 0);
  const int reader = open(Path("fifo").c_str(), O_RDONLY | O_NONBLOCK);
  ASSERT_EQ(Run({"predict", "--input", input, "--output", Path("fifo")}), ExitCode::kDone);
  EXPECT_TRUE(std::filesystem::is_fifo(Path("fifo")));
  std::string text(1000, '\0');
  text.resize(static_cast<size_t>(read(reader, text.data(), text.size())));
  close(reader);
  EXPECT_EQ(text, Read("real.csv"));
}

TEST_F(DataCommandsTest, ATablesMostTellingColumnsAreUsed) {
  service_.predict = PredictLengths;
  const std::string input = Write("pairs.csv", "drug,smiles,protein,sequence\nDB01,CCC,kinase,MKV\n");
  ASSERT_EQ(Run({"predict", "--input", input, "--output", Path("out.csv")}), ExitCode::kDone);
  EXPECT_EQ(Read("out.csv"),
            "drug,smiles,protein,sequence,predicted_affinity,predicted_unit,prediction_error\nDB01,CCC,kinase,MKV,303,"
            "pKd,\n");
}

TEST_F(DataCommandsTest, ACompressedTableIsReadAsItIs) {
  service_.predict = PredictLengths;
  const std::string input = Path("pairs.csv.gz");
  gzFile file = gzopen(input.c_str(), "wb");
  ASSERT_GT(gzputs(file, "smiles,sequence\nCC,MK\n"), 0);
  gzclose(file);
  ASSERT_EQ(Run({"predict", "--input", input, "--output", Path("out.csv")}), ExitCode::kDone);
  EXPECT_EQ(Read("out.csv"), "smiles,sequence,predicted_affinity,predicted_unit,prediction_error\nCC,MK,202,pKd,\n");
}

TEST_F(DataCommandsTest, ATableWithoutItsColumnsIsWrongUsage) {
  EXPECT_EQ(Run({"predict", "--input", Write("a.csv", "a,sequence\n"), "--output", Path("o")}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("a.csv: has no SMILES column; name one 'smiles'"));
  EXPECT_EQ(Run({"predict", "--input", Write("b.csv", "smiles,b\n"), "--output", Path("o")}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("b.csv: has no sequence column; name one 'sequence'"));
}

TEST_F(DataCommandsTest, ATableThatCannotBeReadIsWrongUsage) {
  service_.predict = PredictLengths;
  const auto error_of = [this](const std::string& input) {
    EXPECT_EQ(Run({"predict", "--input", input, "--output", Path("out.csv")}), ExitCode::kUsage) << input;
    return err_.str();
  };
  EXPECT_THAT(error_of(Path("none.csv")), AllOf(HasSubstr("--input: "), HasSubstr("none.csv")));
  EXPECT_THAT(error_of(Path("")), AllOf(HasSubstr("--input: "), HasSubstr("is a directory; give a CSV file")));
  EXPECT_THAT(error_of(Write("a.csv", "")), HasSubstr("a.csv: is empty; it needs a header"));
  EXPECT_THAT(error_of(Write("b.csv", "smiles,sequence\n")), HasSubstr("b.csv: has a header and no rows"));
  EXPECT_THAT(error_of(Write("c.csv", "smiles,sequence\nC,\"M\n")),
              HasSubstr("c.csv: line 2: a quote (\") is opened here and never closed"));
  EXPECT_FALSE(std::filesystem::exists(Path("out.csv")));
}

TEST_F(DataCommandsTest, ATableIsSentInChunksWithDistinctStringsOnce) {
  std::vector<v1::PredictRequest> requests;
  service_.predict = [&](const v1::PredictRequest& request, v1::PredictResponse* response) {
    requests.push_back(request);
    return PredictLengths(request, response);
  };
  std::string text = "smiles,sequence\n";
  for (int i = 0; i < PairBatch::kMaxPairs + 1; ++i) absl::StrAppend(&text, std::string(i % 3 + 1, 'C'), ",MKV\n");
  ASSERT_EQ(Run({"predict", "--input", Write("pairs.csv", text), "--output", Path("out.csv")}), ExitCode::kDone);
  ASSERT_THAT(requests, SizeIs(2));
  EXPECT_EQ(requests[0].pairs_size(), PairBatch::kMaxPairs);
  EXPECT_EQ(requests[0].smiles_size(), 3);
  EXPECT_EQ(requests[0].sequences_size(), 1);
  EXPECT_EQ(requests[1].pairs_size(), 1);
}

TEST_F(DataCommandsTest, NothingIsLeftOfATableThatFails) {
  service_.predict = [](const v1::PredictRequest&, v1::PredictResponse*) {
    return grpc::Status(grpc::StatusCode::NOT_FOUND, "model x: there is none");
  };
  const std::string input = Write("pairs.csv", "smiles,sequence\nC,M\n");
  EXPECT_EQ(Run({"predict", "--model", "x", "--input", input, "--output", Path("out.csv")}), ExitCode::kFailed);
  EXPECT_THAT(Files(), ElementsAre("pairs.csv"));
  EXPECT_EQ(Run({"predict", "--input", Write("pairs.csv", "smiles,sequence\nC"), "--output", Path("out.csv")}),
            ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("is the file truncated?"));
  EXPECT_THAT(Files(), ElementsAre("pairs.csv"));
}

TEST_F(DataCommandsTest, AModelThatChangesBetweenChunksIsRefused) {
  int call = 0;
  service_.predict = [&](const v1::PredictRequest& request, v1::PredictResponse* response) {
    PredictLengths(request, response);
    response->set_model_digest(absl::StrCat("d", ++call));
    return grpc::Status::OK;
  };
  std::string text = "smiles,sequence\n";
  for (int i = 0; i < PairBatch::kMaxPairs + 1; ++i) absl::StrAppend(&text, "C,M\n");
  EXPECT_EQ(Run({"predict", "--model", "default", "--input", Write("pairs.csv", text), "--output", Path("out.csv")}),
            ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("--model: default moved"));
}

TEST_F(DataCommandsTest, DownloadsAModelsFilesWhole) {
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 1, job);
    job->add_artifacts("best_model.pt");
    job->add_artifacts("logs/events");
    return grpc::Status::OK;
  };
  Sha256 sha256;
  sha256.Update(service_.artifact);
  service_.artifact_digest = sha256.Hex();
  ASSERT_EQ(Run({"models", "download", "m", "--output-dir", Path("model")}), ExitCode::kDone);
  EXPECT_EQ(Read("model/best_model.pt"), "artifact");
  EXPECT_EQ(Read("model/logs/events"), "artifact");
}

TEST_F(DataCommandsTest, DownloadsTheFilesOfAFailedJob) {
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::FAILED, 1, job);
    job->add_artifacts("rejected.csv");
    job->add_artifacts("checkpoint_epoch_5.pt");
    return grpc::Status::OK;
  };
  Sha256 sha256;
  sha256.Update(service_.artifact);
  service_.artifact_digest = sha256.Hex();
  ASSERT_EQ(Run({"jobs", "download", "m", "--output-dir", Path("all")}), ExitCode::kDone) << err_.str();
  EXPECT_EQ(Read("all/rejected.csv"), "artifact");
  EXPECT_EQ(Read("all/checkpoint_epoch_5.pt"), "artifact");
  ASSERT_EQ(Run({"--json", "jobs", "download", "m", "--artifact", "rejected.csv", "--output-dir", Path("one")}),
            ExitCode::kDone);
  ASSERT_THAT(JsonLines(), SizeIs(1));
  EXPECT_EQ(JsonLines()[0]["path"], Path("one/rejected.csv"));
  EXPECT_THAT(service_.downloads(), ElementsAre("1/rejected.csv", "1/checkpoint_epoch_5.pt", "1/rejected.csv"));
}

TEST_F(DataCommandsTest, AJobWithoutFilesSaysWhyThereAreNone) {
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::RUNNING, 1, job);
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"jobs", "download", "m"}), ExitCode::kFailed);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("job 1 is running and has no files"), HasSubstr("jobs watch 1")));
}

TEST_F(DataCommandsTest, ADamagedOrStrayArtifactIsNotKept) {
  service_.get_status = [](v1::Job* job) {
    FillJob(v1::SUCCEEDED, 1, job);
    return grpc::Status::OK;
  };
  service_.artifact_digest = "0";
  EXPECT_EQ(Run({"models", "download", "m", "--output-dir", Path("model"), "--artifact", "a.pt"}), ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("a.pt: came damaged"));
  EXPECT_FALSE(std::filesystem::exists(Path("model/a.pt")));
  EXPECT_EQ(Run({"models", "download", "m", "--output-dir", Path("model"), "--artifact", "../a.pt"}),
            ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("outside the directory"));
}

}  // namespace
}  // namespace deepbindnet::client
