// The promise that processed data are readable with Python's torch.load, checked with a real Python.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <string>

#include "absl/strings/str_cat.h"
#include "core/base/file.h"
#include "core/data/processed_dataset.h"
#include "tests/core/data/small_dataset.h"
#include "tests/support/temp_dir.h"

namespace deepbindnet {
namespace {

constexpr char kPython[] = "/usr/bin/python3";

// Prints every entry of every file in one canonical line, and what the manifest says of the affinity.
constexpr char kScript[] = R"(
import json, sys, torch
for name in ("entities", "scaler_params", "train_data", "val_data", "test_data"):
    for key, value in sorted(torch.load(f"{sys.argv[1]}/{name}.pt", weights_only=True).items()):
        if isinstance(value, torch.Tensor):
            value = f"{value.dtype} {value.tolist()}"
        print(f"{name}.{key} = {value}")
manifest = json.load(open(f"{sys.argv[1]}/manifest.json", encoding="utf-8"))
for key in ("affinity_unit", "affinity_direction", "protein_feature_dim"):
    print(f"manifest.{key} = {manifest[key]}")
)";

constexpr char kExpected[] =
    R"(entities.atom_features = torch.uint8 [[3, 1, 3, 3, 0, 3, 0, 0], [5, 1, 3, 1, 0, 3, 0, 0], [3, 0, 3, 4, 0, 3, 0, 0]]
entities.atom_offsets = torch.int64 [0, 2, 3]
entities.bond_atoms = torch.int32 [[0, 1]]
entities.bond_features = torch.uint8 [[0, 0, 0, 0]]
entities.bond_offsets = torch.int64 [0, 1, 1]
entities.feature_version = 1
entities.protein_features = torch.float32 [[0.5, -1.0, 2.25], [1.5, 0.0, -4.0]]
entities.residue_offsets = torch.int64 [0, 4, 9]
entities.residue_tokens = torch.uint8 [11, 9, 17, 18, 1, 2, 3, 21, 25]
entities.sequences = ['MKTV', 'ACDUX']
entities.smiles = ['CO', 'C']
scaler_params.affinity_unit = pKd
scaler_params.mean = torch.float64 6.0
scaler_params.sd = torch.float64 1.0
train_data.affinity = torch.float64 [5.0, 7.0]
train_data.drug = torch.int32 [0, 1]
train_data.row = torch.int64 [1, 2]
train_data.target = torch.int32 [0, 1]
val_data.affinity = torch.float64 [6.25]
val_data.drug = torch.int32 [0]
val_data.row = torch.int64 [3]
val_data.target = torch.int32 [1]
test_data.affinity = torch.float64 [8.5]
test_data.drug = torch.int32 [1]
test_data.row = torch.int64 [4]
test_data.target = torch.int32 [0]
manifest.affinity_unit = pKd
manifest.affinity_direction = higher
manifest.protein_feature_dim = 3
)";

int Shell(const std::string& command) { return std::system(command.c_str()); }

TEST(PythonLoadTest, TorchLoadSeesEveryValue) {
  ASSERT_EQ(Shell(absl::StrCat(kPython, " -c 'import torch'")), 0) << "make deps installs python3-torch";
  const TempDir dir;
  ProcessedDataset dataset = MakeDatasetWithFeatures();
  ASSERT_TRUE(SaveProcessedDataset(dir.path(), &dataset).ok());
  const std::string script = dir.Write("print.py", kScript);
  ASSERT_EQ(Shell(absl::StrCat(kPython, " ", script, " ", dir.path(), " > ", dir / "out")), 0);
  EXPECT_EQ(ReadFile(dir / "out").value(), kExpected);
}

}  // namespace
}  // namespace deepbindnet
