#include "core/csv/protein_features.h"

#include <cmath>
#include <filesystem>
#include <map>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "core/base/limits.h"
#include "core/base/text.h"
#include "core/csv/npy.h"
#include "core/csv/stored_zip.h"
#include "core/csv/torch_pickle.h"
#include "core/csv/whole_file.h"

namespace deepbindnet {
namespace {

constexpr char kPickle[] = "/data.pkl";
constexpr size_t kShownCharacters = 40;

std::string Show(absl::string_view key) { return absl::StrCat("'", ShowText(key, kShownCharacters), "'"); }

// The form that core/chem gives a sequence that it accepts.
std::string SequenceForm(absl::string_view key) {
  std::string form;
  for (const char c : key) {
    if (!absl::ascii_isspace(static_cast<unsigned char>(c))) form.push_back(absl::ascii_toupper(c));
  }
  if (absl::EndsWith(form, "*")) form.pop_back();
  return form;
}

// The folder that all members of an archive of PyTorch share.
absl::StatusOr<std::string> FolderOf(const ZipMembers& members) {
  for (const auto& [name, bytes] : members) {
    if (absl::EndsWith(name, kPickle)) return std::string(absl::StripSuffix(name, kPickle));
  }
  return absl::InvalidArgumentError("has no pickle; give a file of torch.save (PyTorch 1.6 or later)");
}

// The values of a vector out of the bytes of its storage.
absl::StatusOr<std::vector<float>> ReadVector(const PickledVector& vector, absl::string_view storage) {
  const size_t bytes = FloatBytes(vector.type);
  const auto held = static_cast<int64_t>(storage.size() / bytes);
  int64_t last = 0;
  const bool overflows = __builtin_mul_overflow(vector.size - 1, vector.stride, &last) ||
                         __builtin_add_overflow(last, vector.offset, &last);
  if (vector.size > 0 && (overflows || last >= held)) {
    return absl::InvalidArgumentError("reaches beyond its storage; the file is damaged");
  }
  std::vector<float> values;
  for (int64_t i = 0; i < vector.size; ++i) {
    const auto place = static_cast<size_t>(vector.offset + i * vector.stride);
    values.push_back(ReadFloat(storage.substr(place * bytes), vector.type));
  }
  return values;
}

absl::StatusOr<std::vector<std::string>> ReadKeys(const std::string& path, const std::string& matrix) {
  DBN_ASSIGN_OR_RETURN(
      const std::string text,
      ReadWholeFile(path, kMaxFeatureFileBytes,
                    absl::StrCat("beside ", matrix, " it names the protein of each row: one sequence or id a line")));
  std::vector<std::string> keys;
  for (const absl::string_view line : absl::StrSplit(absl::StripTrailingAsciiWhitespace(text), '\n')) {
    keys.emplace_back(absl::StripAsciiWhitespace(line));
  }
  return keys;
}

}  // namespace

absl::StatusOr<ProteinFeatures> ProteinFeatures::Read(const std::string& path) {
  const std::string extension = absl::AsciiStrToLower(std::filesystem::path(path).extension().string());
  if (extension != ".pt" && extension != ".npy") {
    return absl::InvalidArgumentError(
        absl::StrCat(path,
                     ": is neither .pt nor .npy; give a .pt of torch.save with a vector for each protein, or a "
                     ".npy matrix with a .txt of the same name beside it"));
  }
  DBN_ASSIGN_OR_RETURN(const std::string file,
                       ReadWholeFile(path, kMaxFeatureFileBytes, "give a .pt or .npy file of protein vectors"));
  ProteinFeatures features;
  absl::Status read;
  if (extension == ".pt") {
    read = features.ReadTorch(file);
  } else {
    const std::string names = std::filesystem::path(path).replace_extension(".txt").string();
    DBN_ASSIGN_OR_RETURN(const std::vector<std::string> keys, ReadKeys(names, path));
    read = features.ReadNpy(file, keys);
  }
  DBN_RETURN_IF_ERROR(Annotate(read, path));
  if (features.size() > 0) return features;
  return absl::InvalidArgumentError(absl::StrCat(path, ": has no vector; give one for each protein"));
}

absl::StatusOr<size_t> ProteinFeatures::AddVector(std::vector<float> vector, const std::string& key) {
  const auto size = static_cast<int64_t>(vector.size());
  if (size == 0 || size > kMaxProteinFeatureDim) {
    return absl::InvalidArgumentError(
        absl::StrCat("protein ", Show(key), " has a vector of ", size, " values; give 1 to ", kMaxProteinFeatureDim));
  }
  if (dimension_ != 0 && size != dimension_) {
    return absl::InvalidArgumentError(absl::StrCat("protein ", Show(key), " has a vector of ", size,
                                                   " values, and those before it have ", dimension_,
                                                   "; give all of one dimension"));
  }
  for (size_t i = 0; i < vector.size(); ++i) {
    if (std::isfinite(vector[i])) continue;
    return absl::InvalidArgumentError(absl::StrCat("protein ", Show(key), " has the value ", vector[i], " at position ",
                                                   i + 1, "; every value must be a finite float32 number"));
  }
  dimension_ = size;
  vectors_.push_back(std::move(vector));
  return vectors_.size() - 1;
}

absl::Status ProteinFeatures::AddKey(const std::string& key, size_t vector) {
  if (key.empty()) {
    return absl::InvalidArgumentError("has a vector without a name; give each protein's sequence or id");
  }
  const auto same = [this, vector](const auto& added) {
    return added.second || vectors_[added.first->second] == vectors_[vector];
  };
  if (same(of_id_.try_emplace(key, vector)) && same(of_sequence_.try_emplace(SequenceForm(key), vector))) {
    return absl::OkStatus();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("protein ", Show(key), " stands twice with different vectors; give each protein one"));
}

absl::Status ProteinFeatures::ReadTorch(absl::string_view file) {
  DBN_ASSIGN_OR_RETURN(const ZipMembers members, ReadStoredZip(file));
  DBN_ASSIGN_OR_RETURN(const std::string folder, FolderOf(members));
  const auto order = members.find(folder + "/byteorder");
  if (order != members.end() && order->second != "little") {
    return absl::InvalidArgumentError("was written by a big-endian machine; write it on a little-endian one");
  }
  DBN_ASSIGN_OR_RETURN(const PickledVectors pickled, ParseTorchPickle(members.at(folder + kPickle)));
  // Two keys may share a tensor, and tensors a storage: what is read once is kept once, and all of it is in the file.
  std::map<std::tuple<std::string, int64_t, int64_t, int64_t>, size_t> known;
  uint64_t bytes = 0;
  for (const auto& [key, vector] : pickled) {
    const auto [entry, is_new] =
        known.try_emplace({vector.storage, vector.offset, vector.size, vector.stride}, vectors_.size());
    if (is_new) {
      const auto storage = members.find(absl::StrCat(folder, "/data/", vector.storage));
      if (storage == members.end()) {
        return absl::InvalidArgumentError(absl::StrCat("has no values for ", Show(key), "; the file is damaged"));
      }
      absl::StatusOr<std::vector<float>> values = ReadVector(vector, storage->second);
      if (!values.ok()) return Annotate(values.status(), absl::StrCat("the vector of ", Show(key)));
      bytes += values->size() * FloatBytes(vector.type);
      if (bytes > file.size()) {
        return absl::InvalidArgumentError("has tensors that overlap; save clones of them");
      }
      DBN_RETURN_IF_ERROR(AddVector(*std::move(values), key).status());
    }
    DBN_RETURN_IF_ERROR(AddKey(key, entry->second));
  }
  return absl::OkStatus();
}

absl::Status ProteinFeatures::ReadNpy(absl::string_view file, const std::vector<std::string>& keys) {
  DBN_ASSIGN_OR_RETURN(const NpyMatrix matrix, ParseNpy(file));
  if (static_cast<int64_t>(keys.size()) != matrix.rows) {
    return absl::InvalidArgumentError(absl::StrCat("has ", matrix.rows, " rows, and the .txt beside it ", keys.size(),
                                                   " lines; give a sequence or id for each row"));
  }
  const PickledVector whole{"", matrix.type, 0, matrix.columns, 1};
  const size_t row_bytes = static_cast<size_t>(matrix.columns) * FloatBytes(matrix.type);
  for (size_t row = 0; row < keys.size(); ++row) {
    DBN_ASSIGN_OR_RETURN(std::vector<float> values,
                         ReadVector(whole, matrix.values.substr(row * row_bytes, row_bytes)));
    DBN_ASSIGN_OR_RETURN(const size_t vector, AddVector(std::move(values), keys[row]));
    DBN_RETURN_IF_ERROR(AddKey(keys[row], vector));
  }
  return absl::OkStatus();
}

const std::vector<float>* ProteinFeatures::Find(absl::string_view sequence, absl::string_view id) const {
  const auto by_sequence = of_sequence_.find(SequenceForm(sequence));
  if (by_sequence != of_sequence_.end()) return &vectors_[by_sequence->second];
  const auto by_id = id.empty() ? of_id_.end() : of_id_.find(id);
  return by_id == of_id_.end() ? nullptr : &vectors_[by_id->second];
}

}  // namespace deepbindnet
