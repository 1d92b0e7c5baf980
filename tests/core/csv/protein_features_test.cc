#include "core/csv/protein_features.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "tests/core/csv/python_file.h"
#include "tests/support/status_matchers.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

using ::testing::ElementsAre;
using ::testing::IsNull;
using ::testing::Pointee;

class ProteinFeaturesTest : public ::testing::Test {
 protected:
  // A file that torch.save writes of the Python expression `dict`.
  auto ReadTorch(const std::string& dict) const {
    return ProteinFeatures::Read(WriteWithPython(directory_, "x.pt", "torch.save(" + dict + ", path)"));
  }
  void ExpectRefused(const std::string& dict, const std::string& message) const {
    EXPECT_THAT(ReadTorch(dict), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", message)) << dict;
  }
  // A matrix that numpy.save writes of the Python expression `matrix`, and its keys.
  auto ReadNpy(const std::string& matrix, const std::string& keys) const {
    directory_.Write("x.txt", keys);
    return ProteinFeatures::Read(WriteWithPython(directory_, "x.npy", "numpy.save(path, " + matrix + ")"));
  }
  void ExpectNpyRefused(const std::string& matrix, const std::string& keys, const std::string& message) const {
    EXPECT_THAT(ReadNpy(matrix, keys), IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", message))
        << matrix;
  }

  const TempDir directory_;
};

TEST_F(ProteinFeaturesTest, ReadsADictionaryOfTensors) {
  ASSERT_OK_AND_ASSIGN(const ProteinFeatures features,
                       ReadTorch("{'MKV': torch.tensor([1.5, -2.0]), 'P1': torch.tensor([0.25, 4.0])}"));
  EXPECT_EQ(features.dimension(), 2);
  EXPECT_EQ(features.size(), 2);
  EXPECT_THAT(features.Find("MKV", ""), Pointee(ElementsAre(1.5F, -2.0F)));
  EXPECT_THAT(features.Find("MA", "P1"), Pointee(ElementsAre(0.25F, 4.0F)));
  EXPECT_THAT(features.Find("MA", "P2"), IsNull());
  EXPECT_THAT(features.Find("MA", ""), IsNull());
}

TEST_F(ProteinFeaturesTest, ASequenceMayBeWrittenInManyWaysAndCountsBeforeTheId) {
  ASSERT_OK_AND_ASSIGN(const ProteinFeatures features,
                       ReadTorch("{'mk v*': torch.tensor([1.0]), 'P1': torch.tensor([2.0])}"));
  for (const char* const sequence : {"MKV", "mkv", " MKV*\n", "MK V"}) {
    EXPECT_THAT(features.Find(sequence, "P1"), Pointee(ElementsAre(1.0F))) << sequence;
  }
  EXPECT_THAT(features.Find("MKA", "P1"), Pointee(ElementsAre(2.0F)));
}

TEST_F(ProteinFeaturesTest, ReadsEveryTypeOfTensor) {
  for (const char* const type : {"float32", "float64", "float16", "bfloat16"}) {
    ASSERT_OK_AND_ASSIGN(const ProteinFeatures features,
                         ReadTorch(std::string("{'M': torch.tensor([1.5, -0.125], dtype=torch.") + type + ")}"));
    EXPECT_THAT(features.Find("M", ""), Pointee(ElementsAre(1.5F, -0.125F))) << type;
  }
}

TEST_F(ProteinFeaturesTest, ReadsTensorsThatShareAStorage) {
  // Rows, a column and a part of one matrix, and one tensor under two keys.
  ASSERT_OK_AND_ASSIGN(const ProteinFeatures features,
                       ReadTorch("(lambda m: {'A': m[0], 'C': m[1], 'D': m[:2, 1], 'P1': m[1]})"
                                 "(torch.arange(6.0).view(3, 2))"));
  EXPECT_THAT(features.Find("A", ""), Pointee(ElementsAre(0.0F, 1.0F)));
  EXPECT_THAT(features.Find("C", ""), Pointee(ElementsAre(2.0F, 3.0F)));
  EXPECT_THAT(features.Find("D", ""), Pointee(ElementsAre(1.0F, 3.0F)));
  EXPECT_EQ(features.Find("W", "P1"), features.Find("C", ""));
}

TEST_F(ProteinFeaturesTest, ReadsManyEntriesAndAnOrderedDictionary) {
  ASSERT_OK_AND_ASSIGN(
      const ProteinFeatures features,
      ReadTorch("collections.OrderedDict((f'P{i}', torch.full((3,), float(i))) for i in range(3000))"));
  EXPECT_EQ(features.size(), 3000);
  EXPECT_THAT(features.Find("M", "P2999"), Pointee(ElementsAre(2999.0F, 2999.0F, 2999.0F)));
}

TEST_F(ProteinFeaturesTest, VectorsThatAreUnfitNameTheirProtein) {
  ExpectRefused("{'MK': torch.ones(2), 'MV': torch.ones(3)}",
                "x.pt: protein 'MV' has a vector of 3 values, and those before it have 2; give all of one dimension");
  ExpectRefused("{'MK': torch.tensor([1.0, float('nan')])}",
                "protein 'MK' has the value nan at position 2; every value must be a finite float32 number");
  ExpectRefused("{'MK': torch.tensor([1e300], dtype=torch.float64)}", "protein 'MK' has the value inf at position 1");
  ExpectRefused("{'MK': torch.ones(0)}", "protein 'MK' has a vector of 0 values; give 1 to 16384");
  ExpectRefused("{'MK': torch.ones(16385)}", "protein 'MK' has a vector of 16385 values");
  ExpectRefused("{'MK': torch.ones(1), 'mk': torch.zeros(1)}",
                "protein 'mk' stands twice with different vectors; give each protein one");
  ExpectRefused("{'': torch.ones(1)}", "has a vector without a name");
  ExpectRefused("{}", "has no vector; give one for each protein");
}

TEST_F(ProteinFeaturesTest, WhatIsNoDictionaryOfVectorsSaysWhatToSave) {
  const std::string remedy = "; save a dict from protein to 1-d float tensor with torch.save";
  ExpectRefused("torch.ones(2)", "holds no dict" + remedy);
  ExpectRefused("{'MK': torch.ones(2, 3)}", "has a tensor of shape [2, 3], not of one dimension" + remedy);
  ExpectRefused("{'MK': torch.tensor([1, 2])}", "has a tensor of 'torch LongStorage', not of float32");
  ExpectRefused("{'MK': 3}", "has no tensor at 'MK'" + remedy);
  ExpectRefused("{3: torch.ones(2)}", "has a key that is no text" + remedy);
  ExpectRefused("{'MK': torch.ones(1).expand(4)}", "has a tensor that repeats values, as one made by expand()");
  ExpectRefused("{'MK': numpy.ones(2)}",
                "refers to 'numpy.core.multiarray _reconstruct', which is no tensor and is never run");
  ExpectRefused("{'MK': torch.nn.Parameter(torch.ones(2))}", "refers to 'torch._utils _rebuild_parameter'");
  ExpectRefused("{'MK': [1.0, 2.0]}", "which a dict of tensors does not need");
}

TEST_F(ProteinFeaturesTest, OverlappingTensorsTakeNoMoreThanTheFile) {
  ExpectRefused("(lambda v: {f'P{i}': v[i:i + 4000] for i in range(50)})(torch.arange(4050.0))",
                "has tensors that overlap; save clones of them");
}

TEST_F(ProteinFeaturesTest, ADamagedFileIsRefusedWhereverItIsCut) {
  const std::string path =
      WriteWithPython(directory_, "whole.pt", "torch.save({'MK': torch.ones(4), 'MV': torch.ones(4)}, path)");
  std::string bytes(std::filesystem::file_size(path), '\0');
  std::ifstream(path, std::ios::binary).read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  for (size_t size = 0; size < bytes.size(); size += 7) {
    EXPECT_THAT(ProteinFeatures::Read(directory_.Write("cut.pt", bytes.substr(0, size))),
                IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "cut.pt"));
  }
}

TEST_F(ProteinFeaturesTest, ReadsAMatrixWithItsKeys) {
  for (const char* const type : {"f2", "f4", "f8"}) {
    ASSERT_OK_AND_ASSIGN(const ProteinFeatures features,
                         ReadNpy(std::string("numpy.array([[1, 2.5], [3, -4]], dtype='<") + type + "')", "MK\r\nP1\n"));
    EXPECT_EQ(features.dimension(), 2);
    EXPECT_THAT(features.Find("MK", ""), Pointee(ElementsAre(1.0F, 2.5F))) << type;
    EXPECT_THAT(features.Find("MV", "P1"), Pointee(ElementsAre(3.0F, -4.0F))) << type;
  }
}

TEST_F(ProteinFeaturesTest, AMatrixThatIsUnfitSaysWhatToSave) {
  const std::string remedy = "; save a float32 matrix of a row for each protein with numpy.save";
  ExpectNpyRefused("numpy.ones((2, 3), 'f4')", "MK\n", "x.npy: has 2 rows, and the .txt beside it 1 lines");
  ExpectNpyRefused("numpy.ones(3, 'f4')", "MK\n", "has 1 dimensions, not 2" + remedy);
  ExpectNpyRefused("numpy.ones((1, 3), 'i8')", "MK\n", "has values of type \\'<i8\\', not of little-endian float16");
  ExpectNpyRefused("numpy.ones((1, 3), '>f4')", "MK\n", "has values of type \\'>f4\\'");
  ExpectNpyRefused("numpy.asfortranarray(numpy.ones((2, 3), 'f4'))", "MK\nMV\n", "is stored column by column" + remedy);
  ExpectNpyRefused("numpy.array([['a', 'b']], dtype=object)", "MK\n", "has values of type \\'|O\\'");
  ExpectNpyRefused("numpy.array([[1, numpy.inf]], 'f4')", "MK\n", "protein 'MK' has the value inf at position 2");
  ExpectNpyRefused("numpy.ones((2, 1), 'f4')", "MK\n\nMV\n", "has 2 rows, and the .txt beside it 3 lines");
}

TEST_F(ProteinFeaturesTest, AMatrixNeedsItsKeysBesideIt) {
  EXPECT_THAT(ProteinFeatures::Read(WriteWithPython(directory_, "x.npy", "numpy.save(path, numpy.ones((1, 2), 'f4'))")),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "x.txt: is missing; beside "));
}

TEST_F(ProteinFeaturesTest, OtherFilesAreRefused) {
  EXPECT_THAT(ProteinFeatures::Read(directory_.Write("x.csv", "MK,1\n")),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "is neither .pt nor .npy"));
  EXPECT_THAT(ProteinFeatures::Read(directory_ / "none.pt"),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "none.pt: is missing"));
  EXPECT_THAT(ProteinFeatures::Read(directory_.Write("x.pt", "no archive, but longer than an empty one is")),
              IsError(absl::StatusCode::kInvalidArgument, "INVALID_ARGUMENT", "x.pt: is no whole zip archive"));
}

}  // namespace
}  // namespace deepbindnet
