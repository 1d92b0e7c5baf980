#include "core/evaluation/report.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"

namespace deepbindnet {
namespace {

constexpr char kStyle[] = R"(
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #59636e; --paper: #ffffff; --line: #d1d9e0; --band: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9198a1; --paper: #0d1117; --line: #3d444d; --band: #151b23; }
}
body { margin: 0 auto; max-width: 60rem; padding: 2rem 1.25rem 4rem; background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, sans-serif; }
h1 { font-size: 1.7rem; line-height: 1.25; margin: 0 0 .25rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.5rem 0 .5rem; }
.soft, figcaption { color: var(--soft); }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-size: .92rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: right; white-space: nowrap; }
th:first-child, td:first-child { text-align: left; white-space: normal; overflow-wrap: anywhere; }
thead th { background: var(--band); }
th button { all: unset; cursor: pointer; }
th button:focus-visible { outline: 2px solid; }
th[aria-sort=ascending] button::after { content: " \2191"; }
th[aria-sort=descending] button::after { content: " \2193"; }
td.best { font-weight: 700; }
.left td, .left th { text-align: left; white-space: normal; overflow-wrap: anywhere; }
figure { margin: 1rem 0 2rem; }
figure svg { width: 100%; height: auto; color: var(--ink); }
figcaption { font-size: .9rem; }
code { font: .85em ui-monospace, monospace; }
)";

constexpr char kScript[] = R"(
for (const table of document.querySelectorAll("table.sortable")) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, column) => head.firstElementChild.addEventListener("click", () => {
    const up = head.getAttribute("aria-sort") !== "ascending";
    heads.forEach(other => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const key = row => row.cells[column].dataset.value ?? row.cells[column].textContent;
    const compare = (a, b) => {
      if (a === "" || b === "") return (a === "") - (b === "");  // Undefined values stay last.
      const order = column === 0 ? a.localeCompare(b) : a - b;
      return up ? order : -order;
    };
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b))));
  }));
}
)";

std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}, {"'", "&#39;"}});
}

std::string Number(double value) { return std::isnan(value) ? "n/a" : absl::StrFormat("%.4f", value); }
std::string Percent(double value) { return std::isnan(value) ? "n/a" : absl::StrFormat("%+.2f %%", value); }

std::string WithUnit(double value, const std::string& unit) {
  return unit.empty() ? Number(value) : absl::StrCat(Number(value), " ", unit);
}

// One column of the metrics table.
struct Column {
  std::string head;
  double (*value)(const ModelComparison&);
  std::string (*format)(double);
  int better;  // 1: higher, -1: lower, 0: neither.
};

std::vector<Column> Columns() {
  return {{"RMSE", [](const ModelComparison& m) { return m.metrics.rmse; }, Number, -1},
          {"MAE", [](const ModelComparison& m) { return m.metrics.mae; }, Number, -1},
          {"MSE", [](const ModelComparison& m) { return m.metrics.mse; }, Number, -1},
          {"R²", [](const ModelComparison& m) { return m.metrics.r2; }, Number, 1},
          {"Pearson", [](const ModelComparison& m) { return m.metrics.pearson; }, Number, 1},
          {"Spearman", [](const ModelComparison& m) { return m.metrics.spearman; }, Number, 1},
          {"CI", [](const ModelComparison& m) { return m.metrics.ci; }, Number, 1},
          {"r²m", [](const ModelComparison& m) { return m.metrics.rm2; }, Number, 1},
          {"RMSE gain", [](const ModelComparison& m) { return m.rmse_improvement_percent; }, Percent, 0},
          {"MAE gain", [](const ModelComparison& m) { return m.mae_improvement_percent; }, Percent, 0},
          {"R² gain", [](const ModelComparison& m) { return m.r2_improvement_percent; }, Percent, 0}};
}

bool IsBest(const Column& column, const Comparison& comparison, double value) {
  if (column.better == 0 || std::isnan(value)) return false;
  return std::none_of(comparison.models.begin(), comparison.models.end(), [&](const ModelComparison& other) {
    return column.better * column.value(other) > column.better * value;
  });
}

std::string MetricsTable(const Comparison& comparison) {
  const std::vector<Column> columns = Columns();
  std::string html = "<div class=scroll><table class=sortable><thead><tr><th><button>Model</button></th>";
  for (const Column& column : columns) absl::StrAppend(&html, "<th><button>", column.head, "</button></th>");
  absl::StrAppend(&html, "</tr></thead><tbody>\n");
  for (const ModelComparison& model : comparison.models) {
    absl::StrAppend(&html, "<tr><td>", Escape(model.name), "</td>");
    for (const Column& column : columns) {
      const double value = column.value(model);
      const std::string key = std::isnan(value) ? "" : absl::StrFormat("%.9g", value);
      absl::StrAppend(&html, "<td data-value=\"", key, "\"", IsBest(column, comparison, value) ? " class=best" : "",
                      ">", column.format(value), "</td>");
    }
    absl::StrAppend(&html, "</tr>\n");
  }
  return absl::StrCat(html, "</tbody></table></div>\n");
}

// The <svg> element of a drawing, with the theme's ink in place of black, no background, and ids of its own.
std::string InlineSvg(const Chart& chart) {
  const size_t start = chart.svg.find("<svg");
  if (start == std::string::npos) return "";
  const std::string id = absl::StrCat(chart.name, "-");
  return absl::StrReplaceAll(absl::string_view(chart.svg).substr(start),
                             {{"xmlns=\"http://www.w3.org/2000/svg\"", "role=\"img\""},
                              {"xmlns:xlink=\"http://www.w3.org/1999/xlink\"", ""},
                              {"xlink:href", "href"},
                              {"id='gp", absl::StrCat("id='", id, "gp")},
                              {"'#gp", absl::StrCat("'#", id, "gp")},
                              {"id='textbox'", absl::StrCat("id='", id, "textbox'")},
                              {"id='greybox'", absl::StrCat("id='", id, "greybox'")},
                              {"id=\"gnuplot_canvas\"", ""},
                              {"fill=\"#ffffff\"", "fill=\"none\""},
                              {"rgb(  0,   0,   0)", "currentColor"},
                              {"rgb(0,0,0)", "currentColor"},
                              {"color=\"black\"", ""},
                              {"'black'", "'currentColor'"}});
}

std::string Figures(const std::vector<Chart>& charts) {
  std::string html;
  for (const Chart& chart : charts) {
    absl::StrAppend(&html, "<h2>", Escape(chart.title), "</h2>\n<figure>", InlineSvg(chart), "<figcaption>",
                    Escape(chart.caption), "</figcaption></figure>\n");
  }
  return html;
}

std::string Code(const std::string& digest) {
  return digest.empty() ? "<span class=soft>none</span>" : absl::StrCat("<code>", Escape(digest), "</code>");
}

std::string Configuration(const ComparisonInput& input) {
  std::string html =
      "<div class=scroll><table class=left><thead><tr><th>What</th><th>Kind</th><th>SHA-256</th></tr></thead><tbody>\n";
  absl::StrAppend(&html, "<tr><td>", Escape(input.dataset), "</td><td>data set, ", input.truth.size(), " pairs",
                  input.affinity_unit.empty() ? "" : absl::StrCat(", in ", Escape(input.affinity_unit)), "</td><td>",
                  Code(input.dataset_digest), "</td></tr>\n");
  for (size_t i = 0; i < input.models.size(); ++i) {
    const ModelPredictions& model = input.models[i];
    absl::StrAppend(&html, "<tr><td>", Escape(model.name), "</td><td>",
                    model.model_type.empty() ? "predictions" : absl::StrCat(Escape(model.model_type), " model"),
                    i == 0 ? ", reference" : "", "</td><td>", Code(model.digest), "</td></tr>\n");
  }
  return absl::StrCat(html, "</tbody></table></div>\n");
}

}  // namespace

std::string SummarizeComparison(const ComparisonInput& input, const Comparison& comparison) {
  const ModelComparison& reference = comparison.models.front();
  std::vector<std::string> sentences;
  for (size_t i = 1; i < comparison.models.size(); ++i) {
    const ModelComparison& model = comparison.models[i];
    const double difference = model.metrics.rmse - reference.metrics.rmse;
    const std::string values = absl::StrCat("(", WithUnit(model.metrics.rmse, input.affinity_unit), " against ",
                                            WithUnit(reference.metrics.rmse, input.affinity_unit), ")");
    if (difference == 0.0) {
      sentences.push_back(absl::StrCat(model.name, " has the same RMSE as ", reference.name, " ", values, "."));
      continue;
    }
    const std::string amount = std::isnan(model.rmse_improvement_percent)
                                   ? ""
                                   : absl::StrFormat("%.1f %% ", std::abs(model.rmse_improvement_percent));
    sentences.push_back(absl::StrFormat("The RMSE of %s is %s%s than that of %s %s; R² is %s against %s.", model.name,
                                        amount, difference < 0.0 ? "lower" : "higher", reference.name, values,
                                        Number(model.metrics.r2), Number(reference.metrics.r2)));
  }
  return absl::StrCat("Measured on ", input.truth.size(), " pairs of ", input.dataset, ". ",
                      absl::StrJoin(sentences, " "),
                      " These are single runs: a small difference can be chance, and another seed can turn it around.");
}

std::string RenderReport(const ComparisonInput& input, const Comparison& comparison, const std::vector<Chart>& charts) {
  std::vector<std::string> names;
  for (const ModelComparison& model : comparison.models) names.push_back(Escape(model.name));
  const std::string title = absl::StrCat(absl::StrJoin(names, ", "), " on ", Escape(input.dataset));
  return absl::StrCat(
      "<!doctype html>\n<html lang=en>\n<head>\n<meta charset=utf-8>\n",
      "<meta name=viewport content=\"width=device-width, initial-scale=1\">\n<title>", title, "</title>\n<style>",
      kStyle, "</style>\n</head>\n<body>\n<h1>", title, "</h1>\n<p class=soft>DeepBindNet comparison</p>\n<p>",
      Escape(SummarizeComparison(input, comparison)), "</p>\n<h2>Metrics</h2>\n", MetricsTable(comparison),
      "<p class=soft>The best of each column is bold; a click on a head sorts. RMSE and MAE are in the unit of the "
      "affinity",
      input.affinity_unit.empty() ? "" : absl::StrCat(" (", Escape(input.affinity_unit), ")"),
      ", MSE in its square. A gain is against ", Escape(comparison.models.front().name),
      ", positive where better.</p>\n", Figures(charts), "<h2>What was compared</h2>\n", Configuration(input),
      "<script>", kScript, "</script>\n</body>\n</html>\n");
}

}  // namespace deepbindnet
