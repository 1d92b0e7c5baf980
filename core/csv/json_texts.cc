#include "core/csv/json_texts.h"

#include <cstdint>
#include <nlohmann/json.hpp>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "core/base/text.h"

namespace deepbindnet {
namespace {

constexpr size_t kShownCharacters = 40;

// Collects members while the text is read: a document tree would lose their order. Every callback returns whether to go
// on.
class TextCollector : public nlohmann::json_sax<nlohmann::json> {
 public:
  bool null() override { return NoText("null"); }
  bool boolean(bool) override { return NoText("a truth value"); }
  bool number_integer(int64_t) override { return NoText("a number"); }
  bool number_unsigned(uint64_t) override { return NoText("a number"); }
  bool number_float(double, const std::string&) override { return NoText("a number"); }
  bool binary(nlohmann::json::binary_t&) override { return NoText("binary data"); }
  bool start_array(size_t) override { return NoText("a list"); }
  bool end_array() override { return true; }
  bool end_object() override { return true; }

  bool start_object(size_t) override {
    if (in_object_) return NoText("an object");
    in_object_ = true;
    return true;
  }
  bool key(std::string& name) override {
    if (!names_.insert(name).second) {
      problem_ = absl::StrCat("has the name '", ShowText(name, kShownCharacters), "' twice; give each id once");
      return false;
    }
    texts_.emplace_back(name, "");
    return true;
  }
  bool string(std::string& text) override {
    if (!in_object_) return NoText("a text");
    texts_.back().second = std::move(text);
    return true;
  }
  bool parse_error(size_t position, const std::string&, const nlohmann::json::exception&) override {
    problem_ = absl::StrCat("is no JSON: byte ", position, " cannot be read; give an object of id and text");
    return false;
  }

  absl::StatusOr<JsonTexts> Take() {
    if (problem_.empty() && texts_.empty()) problem_ = "has no entries; give an object of id and text";
    if (!problem_.empty()) return absl::InvalidArgumentError(problem_);
    return std::move(texts_);
  }

 private:
  bool NoText(absl::string_view what) {
    problem_ = in_object_ && !texts_.empty()
                   ? absl::StrCat("has ", what, " at '", ShowText(texts_.back().first, kShownCharacters),
                                  "'; every entry is a text")
                   : absl::StrCat("holds ", what, "; give an object of id and text");
    return false;
  }

  bool in_object_ = false;
  std::string problem_;
  JsonTexts texts_;
  absl::flat_hash_set<std::string> names_;
};

}  // namespace

absl::StatusOr<JsonTexts> ParseJsonTexts(const std::string& json) {
  TextCollector collector;
  (void)nlohmann::json::sax_parse(json, &collector);
  return collector.Take();
}

}  // namespace deepbindnet
