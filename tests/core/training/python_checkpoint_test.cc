// The promise that every checkpoint of a training is readable with Python's torch.load, checked with a real Python.
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "tests/core/training/trainer_fixture.h"

namespace deepbindnet {
namespace {

// Prints a file's configuration, then name, type, shape and SHA-256 of each weight and vector, with and without
// weights_only.
constexpr char kScript[] = R"(
import hashlib, sys, torch
safe = torch.load(sys.argv[1], weights_only=True)
plain = torch.load(sys.argv[1])
assert list(safe) == list(plain)
print(safe["config"])
def show(name, tensor):
    digest = hashlib.sha256(tensor.numpy().tobytes()).hexdigest()
    print(name, tensor.dtype, list(tensor.shape), digest)
for name, tensor in sorted(safe["weights"].items()):
    assert torch.equal(tensor, plain["weights"][name])
    show(name, tensor)
print(" ".join(safe["protein_features"]["sequences"]))
show("vectors", safe["protein_features"]["vectors"])
)";

std::string Shown(const std::string& name, const torch::Tensor& tensor) {
  const absl::string_view bytes(static_cast<const char*>(tensor.data_ptr()), tensor.nbytes());
  return absl::StrCat(name, " torch.float32 [", absl::StrJoin(tensor.sizes(), ", "), "] ", Sha256Hex(bytes), "\n");
}

// The lines of kScript behind the configuration.
std::string ExpectedLines(const Checkpoint& checkpoint) {
  std::map<std::string, torch::Tensor> weights;
  for (const auto& entry : checkpoint.weights) weights[entry.key().toStringRef()] = entry.value().toTensor();
  std::string lines;
  for (const auto& [name, tensor] : weights) lines += Shown(name, tensor);
  std::vector<std::string> sequences;
  std::vector<torch::Tensor> vectors;
  for (const auto& [sequence, vector] : checkpoint.protein_vectors) {
    sequences.push_back(sequence);
    vectors.push_back(torch::tensor(vector));
  }
  return absl::StrCat(lines, absl::StrJoin(sequences, " "), "\n", Shown("vectors", torch::stack(vectors)));
}

TEST_F(TrainerTest, PythonReadsEveryCheckpointWithEveryValue) {
  ASSERT_EQ(std::system("/usr/bin/python3 -c 'import torch'"), 0) << "make deps installs python3-torch";
  ProcessedDataset dataset = MakeDataset();
  dataset.manifest.protein_feature_dim = 2;
  dataset.manifest.affinity_direction = AffinityDirection::kHigherBindsTighter;
  for (size_t t = 0; t < dataset.proteins.size(); ++t) {
    dataset.proteins[t].features = {0.25F, static_cast<float>(t) / 3};
  }
  ASSERT_THAT(SaveProcessedDataset(data_dir_, &dataset), IsOk());
  options_.num_epochs = 5;
  Recorder recorder;
  ASSERT_THAT(Run("run", &recorder), IsOk());
  const RunFiles files{OutputDir("run")};
  const std::string script = root_.Write("print.py", kScript);
  for (const std::string& path : {files.Best(), files.Latest(), files.Epoch(5)}) {
    ASSERT_EQ(std::system(absl::StrCat("/usr/bin/python3 ", script, " ", path, " > ", root_ / "out").c_str()), 0)
        << path;
    const std::string out = *ReadFile(root_ / "out");
    ASSERT_OK_AND_ASSIGN(const Checkpoint checkpoint, LoadCheckpoint(path));
    EXPECT_EQ(out.substr(out.find('\n') + 1), ExpectedLines(checkpoint)) << path;
    const auto config = nlohmann::json::parse(out.substr(0, out.find('\n')));
    EXPECT_EQ(config["affinity_direction"], "higher");
    EXPECT_EQ(config["affinity_unit"], "pKd");
    EXPECT_EQ(config["model"]["protein_feature_dim"], 2);
    EXPECT_EQ(config["epoch"], checkpoint.epoch);
  }
}

}  // namespace
}  // namespace deepbindnet
