// predict --explain against a service in this process.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/client/cli_fixture.h"
#include "tests/client/protein_vectors.h"

namespace deepbindnet::client {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;
using testing::SizeIs;

class ExplainTest : public CliTest {
 protected:
  ExplainTest() {
    service_.predict = [](const v1::PredictRequest& request, v1::PredictResponse* response) {
      FillModel(response);
      for (const auto& pair : request.pairs()) {
        v1::Prediction* prediction = response->add_predictions();
        if (request.smiles(pair.drug()) == "bad") {
          prediction->set_error("'bad' cannot be read");
        } else {
          prediction->set_value(static_cast<double>(request.smiles(pair.drug()).size()));
        }
      }
      return grpc::Status::OK;
    };
    service_.explain = [this](const v1::ExplainRequest& request, v1::ExplainResponse* response) {
      requests_.push_back(request);
      FillModel(response);
      for (const auto& pair : request.input().pairs()) {
        const std::string& smiles = request.input().smiles(pair.drug());
        v1::ExplainedPair* explained = response->add_pairs();
        explained->set_json(absl::StrCat(R"({"canonical_smiles":")", smiles, R"("})"));
        explained->set_svg(absl::StrCat("<svg>", smiles, "</svg>"));
        explained->set_text("atoms of " + smiles + "\n");
      }
      return grpc::Status::OK;
    };
  }

  template <typename Response>
  static void FillModel(Response* response) {
    response->set_affinity_unit("pKd");
    response->set_model("m");
    response->set_model_digest("d1");
  }

  // A table of `rows` molecules, C, CC, CCC, ...
  std::string Table(int rows) const {
    std::string text = "smiles,sequence\n";
    for (int i = 1; i <= rows; ++i) absl::StrAppend(&text, std::string(static_cast<size_t>(i), 'C'), ",MKV\n");
    return Write("pairs.csv", text);
  }

  std::vector<v1::ExplainRequest> requests_;
};

TEST_F(ExplainTest, OnePairIsPrintedAndWritten) {
  ASSERT_EQ(Run({"predict", "--model", "m", "--smiles", "CCO", "--sequence", "MK", "--explain", Path("e")}),
            ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(out_.str(), absl::StrCat("3.0000 pKd  (model m)\natoms of CCO\nwrote ", Path("e/row-1.json"), " and ",
                                     Path("e/row-1.svg"), "\n"));
  EXPECT_EQ(Read("e/row-1.json"), "{\"canonical_smiles\":\"CCO\"}\n");
  EXPECT_EQ(Read("e/row-1.svg"), "<svg>CCO</svg>");
  ASSERT_THAT(requests_, SizeIs(1));
  EXPECT_EQ(requests_[0].input().model(), "m");
  EXPECT_EQ(requests_[0].detail(), v1::ExplainRequest::LAYERS);
  EXPECT_TRUE(requests_[0].svg());
  EXPECT_FALSE(requests_[0].atom_indices());
}

TEST_F(ExplainTest, JsonModeHasTheExplanationInTheObject) {
  ASSERT_EQ(Run({"--json", "predict", "--smiles", "CCO", "--sequence", "MK", "--explain", Path("e"), "--explain_detail",
                 "heads", "--atom-indices"}),
            ExitCode::kDone);
  ASSERT_THAT(JsonLines(), SizeIs(1));
  EXPECT_EQ(JsonLines()[0]["predicted_affinity"], 3.0);
  EXPECT_EQ(JsonLines()[0]["explanation"]["canonical_smiles"], "CCO");
  EXPECT_EQ(JsonLines()[0]["explanation_json"], Path("e/row-1.json"));
  EXPECT_EQ(JsonLines()[0]["explanation_svg"], Path("e/row-1.svg"));
  EXPECT_EQ(requests_[0].detail(), v1::ExplainRequest::HEADS);
  EXPECT_TRUE(requests_[0].atom_indices());
}

TEST_F(ExplainTest, NothingIsExplainedUnlessAsked) {
  ASSERT_EQ(Run({"predict", "--smiles", "CCO", "--sequence", "MK"}), ExitCode::kDone);
  ASSERT_EQ(Run({"predict", "--input", Table(3), "--output", Path("out.csv")}), ExitCode::kDone);
  EXPECT_THAT(requests_, SizeIs(0));
}

TEST_F(ExplainTest, TableIsExplainedSixteenPairsAtATime) {
  ASSERT_EQ(Run({"--json", "predict", "--input", Table(37), "--output", Path("out.csv"), "--explain", Path("e")}),
            ExitCode::kDone)
      << err_.str();
  ASSERT_THAT(requests_, SizeIs(3));
  EXPECT_EQ(requests_[0].input().pairs_size(), 16);
  EXPECT_EQ(requests_[0].input().sequences_size(), 1);
  EXPECT_EQ(requests_[2].input().pairs_size(), 5);
  EXPECT_EQ(Read("e/row-1.svg"), "<svg>C</svg>");
  EXPECT_EQ(Read("e/row-37.svg"), absl::StrCat("<svg>", std::string(37, 'C'), "</svg>"));
  EXPECT_EQ(JsonLines()[0]["explained"], 37);
  EXPECT_EQ(JsonLines()[0]["explanations"], Path("e"));
}

TEST_F(ExplainTest, FilesBearTheNumberOfTheDataRow) {
  const std::string input = Write("pairs.csv", "smiles,sequence\nbad,M\nCC,M\nCC\nCCC,M\n");
  ASSERT_EQ(Run({"predict", "--input", input, "--output", Path("out.csv"), "--explain", Path("e")}), ExitCode::kDone);
  EXPECT_EQ(Read("e/row-2.svg"), "<svg>CC</svg>");
  EXPECT_EQ(Read("e/row-4.svg"), "<svg>CCC</svg>");
  EXPECT_FALSE(std::filesystem::exists(Path("e/row-1.json")));
  EXPECT_FALSE(std::filesystem::exists(Path("e/row-3.json")));
  EXPECT_THAT(out_.str(), HasSubstr(absl::StrCat("wrote ", Path("e"), ": the explanations of 2 pairs")));
}

TEST_F(ExplainTest, TheVectorOfAPairsProteinIsSent) {
  const std::string features = WriteNpy(Path("v"), {{1.0F, 0.5F}}, "MK\n");
  const std::vector<std::string> command = {"predict", "--smiles",           "CCO",    "--explain",
                                            Path("e"), "--protein-features", features, "--sequence"};
  const auto run_with = [&](const std::string& sequence) {
    std::vector<std::string> arguments = command;
    arguments.push_back(sequence);
    return Run(arguments);
  };
  ASSERT_EQ(run_with("mk"), ExitCode::kDone) << err_.str();
  ASSERT_EQ(run_with("MV"), ExitCode::kDone) << err_.str();
  ASSERT_THAT(requests_, SizeIs(2));
  EXPECT_THAT(VectorsOf(requests_[0].input()), ElementsAre(ElementsAre(1.0F, 0.5F)));
  EXPECT_THAT(VectorsOf(requests_[1].input()), ElementsAre());
}

TEST_F(ExplainTest, VectorsOfATablesProteinsAreSentBySequenceAndById) {
  const std::string features = WriteNpy(Path("v"), {{1.0F}, {2.0F}, {3.0F}}, "MK\nP2\nP3\n");
  const std::string input = Write("pairs.csv", "smiles,sequence,protein_id\nC,MA,\nC,MK,P1\nC,MV,P2\nC,MV,P3\n");
  ASSERT_EQ(Run({"predict", "--input", input, "--output", Path("out.csv"), "--explain", Path("e"), "--protein-features",
                 features}),
            ExitCode::kDone)
      << err_.str();
  ASSERT_THAT(requests_, SizeIs(1));
  EXPECT_THAT(requests_[0].input().sequences(), ElementsAre("MA", "MK", "MV", "MV"));
  EXPECT_THAT(VectorsOf(requests_[0].input()),
              ElementsAre(ElementsAre(), ElementsAre(1.0F), ElementsAre(2.0F), ElementsAre(3.0F)));
}

// Answers two pairs of a call and says that the rest is too much; the molecule CCC is too much by itself.
TEST_F(ExplainTest, PairsThatFoundNoRoomAreAskedForAgain) {
  const auto whole = service_.explain;
  service_.explain = [whole](const v1::ExplainRequest& request, v1::ExplainResponse* response) {
    whole(request, response);
    for (int i = 0; i < response->pairs_size(); ++i) {
      if (i < 2 && response->pairs(i).svg() != "<svg>CCC</svg>") continue;
      response->mutable_pairs(i)->set_error("too much");
      response->mutable_pairs(i)->set_error_reason("EXPLANATION_TOO_LARGE");
    }
    return grpc::Status::OK;
  };
  ASSERT_EQ(Run({"predict", "--input", Table(5), "--output", Path("out.csv"), "--explain", Path("e")}),
            ExitCode::kDone);
  for (const char* row : {"1", "2", "4", "5"}) EXPECT_THAT(Read(absl::StrCat("e/row-", row, ".json")), HasSubstr("C"));
  EXPECT_FALSE(std::filesystem::exists(Path("e/row-3.json")));
  EXPECT_EQ(err_.str(), "note: not every pair is explained; row 3: too much\n");
}

TEST_F(ExplainTest, BusyServerIsAskedAgain) {
  const auto whole = service_.explain;
  int calls = 0;
  service_.explain = [&calls, whole](const v1::ExplainRequest& request, v1::ExplainResponse* response) {
    if (++calls > 1) return whole(request, response);
    google::rpc::RetryInfo retry;
    google::rpc::Status details;
    details.set_code(grpc::StatusCode::RESOURCE_EXHAUSTED);
    details.add_details()->PackFrom(retry);
    return grpc::Status(grpc::StatusCode::RESOURCE_EXHAUSTED, "too many calls", details.SerializeAsString());
  };
  ASSERT_EQ(Run({"predict", "--input", Table(1), "--output", Path("out.csv"), "--explain", Path("e")}), ExitCode::kDone)
      << err_.str();
  EXPECT_EQ(calls, 2);
}

TEST_F(ExplainTest, AnotherModelThanThePredictionsIsRefused) {
  const auto whole = service_.explain;
  service_.explain = [whole](const v1::ExplainRequest& request, v1::ExplainResponse* response) {
    whole(request, response);
    response->set_model_digest("d2");
    return grpc::Status::OK;
  };
  EXPECT_EQ(
      Run({"predict", "--model", "default", "--input", Table(1), "--output", Path("out.csv"), "--explain", Path("e")}),
      ExitCode::kFailed);
  EXPECT_THAT(err_.str(), HasSubstr("--model: default moved"));
  EXPECT_THAT(Files(), Not(testing::Contains("out.csv")));
}

TEST_F(ExplainTest, ErrorOfThePairIsOneLine) {
  service_.explain = [](const v1::ExplainRequest&, v1::ExplainResponse* response) {
    response->add_pairs()->set_error("the explanation is too large");
    return grpc::Status::OK;
  };
  EXPECT_EQ(Run({"predict", "--smiles", "CCO", "--sequence", "MK", "--explain", Path("e")}), ExitCode::kFailed);
  EXPECT_EQ(err_.str(), "error: the explanation is too large\n");
}

TEST_F(ExplainTest, WrongUsageIsNamed) {
  EXPECT_EQ(Run({"predict", "--smiles", "C", "--sequence", "M", "--explain-detail", "heads"}), ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("--explain"));
  EXPECT_EQ(Run({"predict", "--smiles", "C", "--sequence", "M", "--explain", Path("e"), "--explain-detail", "all"}),
            ExitCode::kUsage);
  EXPECT_THAT(err_.str(), HasSubstr("all"));
  EXPECT_EQ(Run({"predict", "--smiles", "C", "--sequence", "M", "--explain", Write("file", "") + "/e"}),
            ExitCode::kUsage);
  EXPECT_THAT(err_.str(), AllOf(HasSubstr("--explain"), HasSubstr("cannot be written")));
  EXPECT_THAT(requests_, SizeIs(0));
}

}  // namespace
}  // namespace deepbindnet::client
