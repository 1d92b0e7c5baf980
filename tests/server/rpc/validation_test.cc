#include "server/rpc/validation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "tests/support/status_matchers.h"

namespace deepbindnet {
namespace {

constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;

TEST(ValidateNameTest, AcceptsLettersDigitsDotsUnderscoresDashes) {
  for (const char* name : {"a", "7", "KIBA-gated_v1.2", "a.."}) EXPECT_THAT(ValidateName("n", name), IsOk()) << name;
  EXPECT_THAT(ValidateName("n", std::string(64, 'a')), IsOk());
}

TEST(ValidateNameTest, RefusesWhatIsNotAName) {
  for (const char* name : {"", ".", "..", ".hidden", "-x", "_x", "a/b", "a b", "a\n", "../etc", "\xC3\xA4"}) {
    EXPECT_THAT(ValidateName("spec.model", name), IsError(kInvalid, "INVALID_FIELD", "spec.model: ")) << name;
  }
  EXPECT_THAT(ValidateName("n", std::string(5000, 'a')), IsError(kInvalid, "INVALID_FIELD", "aaa... is not a name"));
  EXPECT_THAT(ValidateName("n", std::string(65, 'a')), IsError(kInvalid, "INVALID_FIELD", "aaa is not a name"));
}

TEST(ValidateRequestIdTest, AtMost64PrintableCharacters) {
  EXPECT_THAT(ValidateRequestId(""), IsOk());
  EXPECT_THAT(ValidateRequestId(std::string(64, '-')), IsOk());
  EXPECT_THAT(ValidateRequestId(std::string(65, '-')), IsError(kInvalid, "INVALID_FIELD", "request_id: "));
  EXPECT_THAT(ValidateRequestId("a\tb"), IsError(kInvalid, "INVALID_FIELD", "control characters"));
}

TEST(ValidateArtifactNameTest, StaysBelowTheJob) {
  for (const char* name : {"best_model.pt", "logs/events.out.1", "a b.txt"}) {
    EXPECT_THAT(ValidateArtifactName(name), IsOk()) << name;
  }
  for (const char* name : {"", "/etc/passwd", "..", "logs/../../x", "logs//x", "logs/", "./x"}) {
    EXPECT_THAT(ValidateArtifactName(name), IsError(kInvalid, "INVALID_FIELD", "artifact: ")) << name;
  }
}

TEST(ValidateCompareTest, WantsTwoDifferentModels) {
  v1::CompareSpec spec;
  spec.set_dataset("kiba");
  spec.add_models("a");
  EXPECT_THAT(ValidateCompare(spec), IsError(kInvalid, "INVALID_FIELD", "spec.models: 1 name "));
  spec.add_models("a");
  EXPECT_THAT(ValidateCompare(spec), IsError(kInvalid, "INVALID_FIELD", "spec.models[1]: a is there twice"));
  spec.set_models(1, "b");
  EXPECT_THAT(ValidateCompare(spec), IsOk());
  spec.set_name("../x");
  EXPECT_THAT(ValidateCompare(spec), IsError(kInvalid, "INVALID_FIELD", "spec.name: "));
}

v1::PrepareDatasetRequest::Header Header() {
  v1::PrepareDatasetRequest::Header header;
  header.mutable_spec()->set_dataset("kiba");
  header.set_size_bytes(100);
  header.set_sha256(std::string(64, 'a'));
  return header;
}

TEST(ValidateUploadHeaderTest, ChecksNameSizeAndDigest) {
  EXPECT_THAT(ValidateUploadHeader(Header(), 100), IsOk());
  v1::PrepareDatasetRequest::Header header = Header();
  header.mutable_spec()->set_dataset("a/b");
  EXPECT_THAT(ValidateUploadHeader(header, 100), IsError(kInvalid, "INVALID_FIELD", "header.spec.dataset: "));
  EXPECT_THAT(ValidateUploadHeader(Header(), 99), IsError(kInvalid, "INVALID_FIELD", "header.size_bytes: 100"));
  header = Header();
  header.set_size_bytes(0);
  EXPECT_THAT(ValidateUploadHeader(header, 100), IsError(kInvalid, "INVALID_FIELD", "header.size_bytes: 0"));
  header = Header();
  header.set_sha256(std::string(64, 'A'));
  EXPECT_THAT(ValidateUploadHeader(header, 100), IsError(kInvalid, "INVALID_FIELD", "header.sha256: "));
}

TEST(ValidateUploadHeaderTest, BoundsEveryText) {
  const std::string longest(255, 'x');
  v1::PrepareDatasetRequest::Header header = Header();
  header.mutable_spec()->set_file_name(longest);
  header.mutable_spec()->set_affinity_column(longest);
  header.mutable_spec()->set_affinity_unit(longest);
  header.mutable_spec()->mutable_split()->set_split_column(longest);
  EXPECT_THAT(ValidateUploadHeader(header, 100), IsOk());
  v1::PrepareDatasetRequest::Header changed = header;
  changed.mutable_spec()->set_file_name(longest + "x");
  EXPECT_THAT(ValidateUploadHeader(changed, 100),
              IsError(kInvalid, "INVALID_FIELD", "xxx... has 256 bytes; give at most 255"));
  changed = header;
  changed.mutable_spec()->set_affinity_column(longest + "x");
  EXPECT_THAT(ValidateUploadHeader(changed, 100), IsError(kInvalid, "INVALID_FIELD", "header.spec.affinity_column: "));
  changed = header;
  changed.mutable_spec()->set_affinity_unit(longest + "x");
  EXPECT_THAT(ValidateUploadHeader(changed, 100), IsError(kInvalid, "INVALID_FIELD", "header.spec.affinity_unit: "));
  changed = header;
  changed.mutable_spec()->mutable_split()->set_split_column(longest + "x");
  EXPECT_THAT(ValidateUploadHeader(changed, 100),
              IsError(kInvalid, "INVALID_FIELD", "header.spec.split.split_column: "));
}

v1::PredictRequest OnePair() {
  v1::PredictRequest request;
  request.add_smiles("CC");
  request.add_sequences("MKV");
  request.add_pairs();
  return request;
}

TEST(ValidatePredictTest, LimitsAreInclusive) {
  v1::PredictRequest request = OnePair();
  for (int i = 1; i < 4096; ++i) request.add_pairs();
  EXPECT_THAT(ValidatePredict(request), IsOk());
  request.add_pairs();
  EXPECT_THAT(ValidatePredict(request), IsError(kInvalid, "INVALID_FIELD", "pairs: 4097 entries"));
}

TEST(ValidatePredictTest, NamesFieldAndIndex) {
  v1::PredictRequest request = OnePair();
  request.add_pairs()->set_target(1);
  EXPECT_THAT(ValidatePredict(request),
              IsError(kInvalid, "INVALID_FIELD", "pairs[1].target: 1 is out of range; sequences has 1 entry"));
  request.mutable_pairs(1)->set_drug(4000000000u);
  EXPECT_THAT(ValidatePredict(request), IsError(kInvalid, "INVALID_FIELD", "pairs[1].drug: 4000000000"));
}

TEST(ValidatePredictTest, ALongTextIsItsPairsTrouble) {
  v1::PredictRequest request = OnePair();
  request.add_smiles(std::string(1 << 20, 'C'));
  request.add_sequences(std::string(1 << 20, 'M'));
  EXPECT_THAT(ValidatePredict(request), IsOk());
}

TEST(ValidatePredictTest, TextsHave32MiBTogether) {
  v1::PredictRequest request = OnePair();  // 5 bytes.
  request.add_smiles(std::string(20 << 20, 'C'));
  request.add_sequences(std::string((12 << 20) - 5, 'M'));
  EXPECT_THAT(ValidatePredict(request), IsOk());
  request.mutable_sequences(1)->push_back('M');
  EXPECT_THAT(ValidatePredict(request),
              IsError(kInvalid, "INVALID_FIELD", "sequences: with more than 33554432 bytes in all is too much"));
}

TEST(ValidatePredictTest, FeaturesAreParallelToTheSequences) {
  v1::PredictRequest request = OnePair();
  request.add_protein_features();
  EXPECT_THAT(ValidatePredict(request), IsOk());
  request.add_protein_features()->add_values(1.0F);
  EXPECT_THAT(
      ValidatePredict(request),
      IsError(kInvalid, "INVALID_FIELD",
              "protein_features: 2 vectors do not match; give one for each of the 1 sequences, or none at all"));
}

TEST(ValidatePredictTest, FeaturesShareTheLimitOfTheTexts) {
  v1::PredictRequest request = OnePair();
  request.mutable_smiles(0)->assign((32 << 20) - 4 * 1000 - 3, 'C');
  auto* const values = request.add_protein_features()->mutable_values();
  values->Resize(1000, 0.5F);
  EXPECT_THAT(ValidatePredict(request), IsOk());
  values->Add(0.5F);
  EXPECT_THAT(ValidatePredict(request),
              IsError(kInvalid, "INVALID_FIELD", "protein_features: with more than 33554432 bytes in all is too much"));
}

TEST(ValidatePredictTest, WantsAPairAndAName) {
  v1::PredictRequest request = OnePair();
  request.clear_pairs();
  EXPECT_THAT(ValidatePredict(request), IsError(kInvalid, "INVALID_FIELD", "pairs: 0 entries"));
  request = OnePair();
  request.set_model("a/b");
  EXPECT_THAT(ValidatePredict(request), IsError(kInvalid, "INVALID_FIELD", "model: a/b"));
}

TEST(ValidatePredictTest, CountsDistinctTexts) {
  v1::PredictRequest request = OnePair();
  for (int i = 1; i < 4097; ++i) request.add_smiles("C");
  EXPECT_THAT(ValidatePredict(request), IsError(kInvalid, "INVALID_FIELD", "smiles: 4097 entries"));
}

TEST(ValidateExplainTest, LimitsAreInclusive) {
  v1::ExplainRequest request;
  EXPECT_THAT(ValidateExplain(request), IsError(kInvalid, "INVALID_FIELD", "input.pairs: 0 entries"));
  *request.mutable_input() = OnePair();
  for (int i = 1; i < 16; ++i) request.mutable_input()->add_pairs();
  EXPECT_THAT(ValidateExplain(request), IsOk());
  request.mutable_input()->add_pairs();
  EXPECT_THAT(ValidateExplain(request),
              IsError(kInvalid, "INVALID_FIELD", "input.pairs: 17 entries are not accepted; give 1 to 16"));
}

TEST(ValidateExplainTest, InputIsJudgedAsPredictsIs) {
  v1::ExplainRequest request;
  *request.mutable_input() = OnePair();
  request.mutable_input()->mutable_pairs(0)->set_drug(1);
  EXPECT_THAT(ValidateExplain(request), IsError(kInvalid, "INVALID_FIELD", "pairs[0].drug: 1 is out of range"));
  *request.mutable_input() = OnePair();
  request.mutable_input()->set_model("../x");
  EXPECT_THAT(ValidateExplain(request), IsError(kInvalid, "INVALID_FIELD", "model: ../x"));
}

TEST(ValidateExplainTest, DetailOfANewerClientIsNamed) {
  v1::ExplainRequest request;
  *request.mutable_input() = OnePair();
  request.set_detail(static_cast<v1::ExplainRequest::Detail>(99));
  EXPECT_THAT(ValidateExplain(request), IsError(kInvalid, "INVALID_FIELD", "detail: 99 is no value"));
}

}  // namespace
}  // namespace deepbindnet
