#include "core/evaluation/charts.h"

#include <stdlib.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "absl/cleanup/cleanup.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "core/base/file.h"
#include "core/evaluation/gnuplot.h"

namespace deepbindnet {
namespace {

// More points than this make a picture no clearer and a report of megabytes.
constexpr size_t kMaxPoints = 2500;
constexpr int kBins = 61;  // Odd, so that one bin is centred on zero.
constexpr double kGroupWidth = 0.8;
constexpr size_t kMaxLabelledModels = 4;  // Numbers over narrower bars would overlap.

// Okabe and Ito (2008), without black and the yellow that vanishes on white.
constexpr std::array<const char*, 6> kColours = {"0072B2", "D55E00", "009E73", "CC79A7", "E69F00", "56B4E9"};

const char* Colour(size_t model) { return kColours[model % kColours.size()]; }

// A chart before gnuplot has drawn it.
struct Drawing {
  std::string name;
  std::string title;
  std::string caption;
  int width = 0;  // Of the SVG, in pixels.
  int height = 0;
  std::string script;  // Draws on the current terminal.
};

// Writes `rows` where the script finds them as `name`.
absl::Status WriteData(const std::string& directory, absl::string_view name, const std::vector<std::string>& rows) {
  return WriteFileAtomically(absl::StrCat(directory, "/", name), absl::StrCat(absl::StrJoin(rows, "\n"), "\n"));
}

std::string WithUnit(absl::string_view what, const std::string& unit) {
  return unit.empty() ? std::string(what) : absl::StrCat(what, " (", unit, ")");
}

// A value as a label; "n/a" where it is not defined.
std::string Label(double value, int digits) {
  return std::isnan(value) ? "n/a" : absl::StrFormat("%.*f", digits, value);
}

std::string Range(absl::string_view axis, double low, double high) {
  return absl::StrFormat("set %srange [%.9g:%.9g]\n", axis, low, high);
}

// --------------------------------------------------------------------------------------------------------------------
// prediction_comparison
// --------------------------------------------------------------------------------------------------------------------

// Every how manieth pair is shown.
size_t PointStride(const ComparisonInput& input) { return (input.truth.size() + kMaxPoints - 1) / kMaxPoints; }

// Equal ranges of both axes that hold every measured value and every prediction that is shown.
std::string PredictionRanges(const ComparisonInput& input) {
  const auto [low, high] = std::minmax_element(input.truth.begin(), input.truth.end());
  double from = *low;
  double to = *high;
  for (const ModelPredictions& model : input.models) {
    for (size_t i = 0; i < model.predicted.size(); i += PointStride(input)) {
      from = std::min(from, model.predicted[i]);
      to = std::max(to, model.predicted[i]);
    }
  }
  const double margin = to > from ? 0.03 * (to - from) : 1.0;
  return absl::StrCat(Range("x", from - margin, to + margin), Range("y", from - margin, to + margin));
}

// Data file and commands for the panel of one model.
absl::StatusOr<std::string> PredictionPanel(const ComparisonInput& input, const Comparison& comparison, size_t model,
                                            const std::string& directory) {
  std::vector<std::string> points;
  for (size_t i = 0; i < input.truth.size(); i += PointStride(input)) {
    points.push_back(absl::StrFormat("%.6g %.6g", input.truth[i], input.models[model].predicted[i]));
  }
  const std::string data = absl::StrCat("prediction_", model, ".dat");
  DBN_RETURN_IF_ERROR(WriteData(directory, data, points));
  const RegressionMetrics& metrics = comparison.models[model].metrics;
  const std::string title =
      absl::StrCat(input.models[model].name, ": RMSE ", Label(metrics.rmse, 3), ", R² ", Label(metrics.r2, 3));
  return absl::StrCat("set title ", GnuplotQuote(title), "\n",
                      absl::StrFormat("plot x with lines lw 1 dt 2 lc rgb '#808080', '%s' using 1:2 with points pt 7 "
                                      "ps %s lc rgb '#80%s'\n",
                                      data, points.size() > 500 ? "0.3" : "0.5", Colour(model)));
}

absl::StatusOr<Drawing> PredictionComparison(const ComparisonInput& input, const Comparison& comparison,
                                             const std::string& directory) {
  const size_t models = input.models.size();
  const size_t columns = std::min<size_t>(models, 3);
  const size_t rows = (models + columns - 1) / columns;
  std::string script = absl::StrFormat("set multiplot layout %d,%d\nset size square\nunset key\n", rows, columns);
  absl::StrAppend(&script, PredictionRanges(input), "set xlabel ",
                  GnuplotQuote(WithUnit("Measured affinity", input.affinity_unit)), "\nset ylabel ",
                  GnuplotQuote(WithUnit("Predicted affinity", input.affinity_unit)), "\n");
  for (size_t m = 0; m < models; ++m) {
    DBN_ASSIGN_OR_RETURN(const std::string panel, PredictionPanel(input, comparison, m, directory));
    absl::StrAppend(&script, panel);
  }
  absl::StrAppend(&script, "unset multiplot\n");
  std::string caption = "Each point is one pair; on the dashed line prediction and measurement agree.";
  if (PointStride(input) > 1) {
    absl::StrAppend(&caption,
                    absl::StrFormat(" Every %dth of %d pairs is shown.", PointStride(input), input.truth.size()));
  }
  return Drawing{"prediction_comparison",         "Predicted against measured affinity", std::move(caption),
                 static_cast<int>(columns) * 460, static_cast<int>(rows) * 460,          std::move(script)};
}

// --------------------------------------------------------------------------------------------------------------------
// error_distribution
// --------------------------------------------------------------------------------------------------------------------

// Half the width of the histogram: it holds all but the farthest 0.5 % of the errors, which would squeeze the rest.
double ErrorLimit(const ComparisonInput& input) {
  std::vector<double> errors;
  for (const ModelPredictions& model : input.models) {
    for (size_t i = 0; i < input.truth.size(); ++i) errors.push_back(std::abs(model.predicted[i] - input.truth[i]));
  }
  const size_t place = static_cast<size_t>(0.995 * static_cast<double>(errors.size() - 1));
  std::nth_element(errors.begin(), errors.begin() + static_cast<std::ptrdiff_t>(place), errors.end());
  return errors[place] > 0.0 ? errors[place] : 1.0;
}

absl::StatusOr<Drawing> ErrorDistribution(const ComparisonInput& input, const std::string& directory) {
  const double limit = ErrorLimit(input);
  const double bin_width = 2.0 * limit / kBins;
  std::vector<std::string> plots;
  double top = 0.0;
  for (size_t m = 0; m < input.models.size(); ++m) {
    std::vector<double> shares(kBins, 0.0);
    for (size_t i = 0; i < input.truth.size(); ++i) {
      const double bin = std::floor((input.models[m].predicted[i] - input.truth[i] + limit) / bin_width);
      if (bin < 0.0 || bin > kBins) continue;
      shares[std::min(static_cast<size_t>(bin), size_t{kBins - 1})] += 100.0 / static_cast<double>(input.truth.size());
    }
    std::vector<std::string> rows;
    for (int bin = 0; bin < kBins; ++bin) {
      rows.push_back(absl::StrFormat("%.6g %.6g", -limit + (bin + 0.5) * bin_width, shares[static_cast<size_t>(bin)]));
      top = std::max(top, shares[static_cast<size_t>(bin)]);
    }
    const std::string data = absl::StrCat("errors_", m, ".dat");
    DBN_RETURN_IF_ERROR(WriteData(directory, data, rows));
    plots.push_back(absl::StrFormat("'%s' using 1:2 with boxes fs transparent solid 0.2 noborder lc rgb '#%s' notitle",
                                    data, Colour(m)));
    plots.push_back(absl::StrFormat("'%s' using 1:2 with histeps lw 2 lc rgb '#%s' title %s", data, Colour(m),
                                    GnuplotQuote(input.models[m].name)));
  }
  std::string script = absl::StrCat(Range("x", -limit, limit), Range("y", 0.0, 1.08 * top));
  absl::StrAppend(&script, absl::StrFormat("set boxwidth %.9g\n", bin_width), "set xlabel ",
                  GnuplotQuote(WithUnit("Prediction error, predicted − measured", input.affinity_unit)),
                  "\nset ylabel 'Share of pairs (%)'\n",
                  "set arrow 1 from 0, graph 0 to 0, graph 1 nohead front lw 1 dt 2 lc rgb '#808080'\n", "plot ",
                  absl::StrJoin(plots, ", "), "\n");
  return Drawing{"error_distribution",
                 "Distribution of the prediction error",
                 "Narrower and closer to zero is better. The farthest 0.5 % of the errors lie outside.",
                 860,
                 440,
                 std::move(script)};
}

// --------------------------------------------------------------------------------------------------------------------
// Grouped bars: metrics_comparison and improvement_percentage
// --------------------------------------------------------------------------------------------------------------------

struct Bars {
  std::string file;                         // Stem of the data files.
  std::vector<std::string> groups;          // Under the axis.
  std::vector<size_t> models;               // Indices; decide the colours.
  std::vector<std::string> names;           // Parallel to models.
  std::vector<std::vector<double>> values;  // [models][groups]; NaN is labelled n/a.
  std::string format;                       // Of a value's label, without NaN.
  bool legend = true;
};

std::string BarLabel(double value, const std::string& format) {
  if (std::isnan(value)) return "n/a";
  return absl::StrFormat(*absl::ParsedFormat<'f'>::New(format), value);
}

// Data files and commands for one panel of bars around zero.
absl::StatusOr<std::string> DrawBars(const Bars& bars, const std::string& directory) {
  const double width = kGroupWidth / static_cast<double>(bars.models.size());
  double low = 0.0;
  double high = 0.0;
  std::vector<std::string> plots;
  for (size_t m = 0; m < bars.models.size(); ++m) {
    std::vector<std::string> rows;
    for (size_t g = 0; g < bars.groups.size(); ++g) {
      const double value = bars.values[m][g];
      const double height = std::isnan(value) ? 0.0 : value;
      low = std::min(low, height);
      high = std::max(high, height);
      const double x = static_cast<double>(g) - kGroupWidth / 2.0 + (static_cast<double>(m) + 0.5) * width;
      rows.push_back(absl::StrFormat("%.6g\t%.9g\t%s", x, height, BarLabel(value, bars.format)));
    }
    const std::string data = absl::StrCat(bars.file, "_", m, ".dat");
    DBN_RETURN_IF_ERROR(WriteData(directory, data, rows));
    const std::string title = bars.legend ? absl::StrCat("title ", GnuplotQuote(bars.names[m])) : "notitle";
    plots.push_back(absl::StrFormat("'%s' using 1:2 with boxes fs solid 0.9 noborder lc rgb '#%s' %s", data,
                                    Colour(bars.models[m]), title));
    if (bars.models.size() > kMaxLabelledModels) continue;
    plots.push_back(absl::StrFormat("'%s' using 1:($2>=0?$2:NaN):3 with labels offset 0,0.7 notitle", data));
    plots.push_back(absl::StrFormat("'%s' using 1:($2<0?$2:NaN):3 with labels offset 0,-0.7 notitle", data));
  }
  if (low == 0.0 && high == 0.0) high = 1.0;
  const double room = 0.14 * (high - low);
  std::vector<std::string> tics;
  for (size_t g = 0; g < bars.groups.size(); ++g) tics.push_back(absl::StrCat(GnuplotQuote(bars.groups[g]), " ", g));
  return absl::StrCat("set datafile separator tab\n", absl::StrFormat("set boxwidth %.6g\n", 0.94 * width),
                      Range("x", -0.6, static_cast<double>(bars.groups.size()) - 0.4),
                      Range("y", low < 0.0 ? low - room : 0.0, high > 0.0 ? high + room : 0.0), "set xtics (",
                      absl::StrJoin(tics, ", "), ") scale 0\nset xzeroaxis lt 1 lw 1 lc rgb '#000000'\nplot ",
                      absl::StrJoin(plots, ", "), "\n");
}

absl::StatusOr<Drawing> MetricsComparison(const ComparisonInput& input, const Comparison& comparison,
                                          const std::string& directory) {
  Bars errors{"errors_metric", {"RMSE", "MAE"}, {}, {}, {}, "%.3f", true};
  Bars scores{"score_metric", {"R²", "CI", "r²m", "Pearson r"}, {}, {}, {}, "%.3f", false};
  for (size_t m = 0; m < comparison.models.size(); ++m) {
    const RegressionMetrics& metrics = comparison.models[m].metrics;
    for (Bars* bars : {&errors, &scores}) {
      bars->models.push_back(m);
      bars->names.push_back(comparison.models[m].name);
    }
    errors.values.push_back({metrics.rmse, metrics.mae});
    scores.values.push_back({metrics.r2, metrics.ci, metrics.rm2, metrics.pearson});
  }
  DBN_ASSIGN_OR_RETURN(const std::string left, DrawBars(errors, directory));
  DBN_ASSIGN_OR_RETURN(const std::string right, DrawBars(scores, directory));
  std::string script =
      "set multiplot\nset tmargin 4\nset size 0.4,1\nset origin 0,0\nset title 'Errors: lower is better'\n";
  absl::StrAppend(&script, "set ylabel ", GnuplotQuote(WithUnit("Error", input.affinity_unit)), "\n",
                  "set key at screen 0.5, screen 0.98 top center horizontal Left reverse maxrows 1\n", left,
                  "set size 0.6,1\nset origin 0.4,0\nset title 'Scores: higher is better'\n",
                  "set ylabel 'Score (no unit)'\n", right, "unset multiplot\n");
  return Drawing{"metrics_comparison",
                 "Metrics side by side",
                 "Left: typical size of an error, in the unit of the affinity. Right: agreement, at best 1; a "
                 "concordance index (CI) of 0.5 is chance.",
                 860,
                 440,
                 std::move(script)};
}

absl::StatusOr<Drawing> ImprovementPercentage(const Comparison& comparison, const std::string& directory) {
  Bars bars{"improvement", {"RMSE", "MAE", "R²"}, {}, {}, {}, "%+.1f", true};
  for (size_t m = 1; m < comparison.models.size(); ++m) {
    const ModelComparison& model = comparison.models[m];
    bars.models.push_back(m);
    bars.names.push_back(model.name);
    bars.values.push_back(
        {model.rmse_improvement_percent, model.mae_improvement_percent, model.r2_improvement_percent});
  }
  DBN_ASSIGN_OR_RETURN(const std::string plot, DrawBars(bars, directory));
  const std::string label = absl::StrCat("Improvement over ", comparison.models.front().name, " (%)");
  return Drawing{"improvement_percentage",
                 "Improvement over the reference",
                 "Above zero is better than the reference in every group: a lower RMSE and MAE, a higher R².",
                 860,
                 440,
                 absl::StrCat("set ylabel ", GnuplotQuote(label), "\n", plot)};
}

// --------------------------------------------------------------------------------------------------------------------

// Settings that all charts share, from gnuplot's defaults on.
constexpr char kStyle[] = R"(reset
set encoding utf8
set minussign
set border 3 lw 1 lc rgb '#000000'
set tics nomirror out
set grid ytics lt 1 lw 0.5 lc rgb '#d0d0d0'
set key top center outside horizontal Left reverse
set style fill solid 0.9 noborder
)";

// Draws on one terminal after the other, into NAME.svg and NAME.png.
std::string Script(const Drawing& drawing) {
  std::string script;
  const auto draw = [&](const std::string& terminal, absl::string_view extension) {
    absl::StrAppend(&script, terminal, "set output '", drawing.name, ".", extension, "'\n", kStyle, drawing.script,
                    "set output\n");
  };
  draw(absl::StrFormat("set terminal svg noenhanced size %d,%d dynamic font 'sans-serif,13' background '#ffffff' name "
                       "'%s'\n",
                       drawing.width, drawing.height, drawing.name),
       "svg");
  draw(absl::StrFormat("set terminal pngcairo noenhanced size %d,%d font 'sans-serif,10' fontscale 2 linewidth 2 "
                       "pointscale 2 background '#ffffff'\n",
                       2 * drawing.width, 2 * drawing.height),
       "png");
  return script;
}

absl::StatusOr<std::string> MakeTemporaryDirectory() {
  std::error_code error;
  const std::filesystem::path parent = std::filesystem::temp_directory_path(error);
  if (error) return absl::InternalError(absl::StrCat("no directory for temporary files: ", error.message()));
  std::string directory = (parent / "deepbindnet-charts-XXXXXX").string();
  if (mkdtemp(directory.data()) == nullptr) {
    return absl::InternalError(absl::StrCat("cannot create a directory in ", parent.string()));
  }
  return directory;
}

}  // namespace

absl::StatusOr<std::vector<Chart>> DrawCharts(const ComparisonInput& input, const Comparison& comparison) {
  DBN_ASSIGN_OR_RETURN(const std::string directory, MakeTemporaryDirectory());
  const absl::Cleanup remover = [&directory] {
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  };
  std::vector<Drawing> drawings(4);
  DBN_ASSIGN_OR_RETURN(drawings[0], PredictionComparison(input, comparison, directory));
  DBN_ASSIGN_OR_RETURN(drawings[1], ErrorDistribution(input, directory));
  DBN_ASSIGN_OR_RETURN(drawings[2], MetricsComparison(input, comparison, directory));
  DBN_ASSIGN_OR_RETURN(drawings[3], ImprovementPercentage(comparison, directory));

  std::string script;
  for (const Drawing& drawing : drawings) absl::StrAppend(&script, Script(drawing));
  DBN_RETURN_IF_ERROR(RunGnuplot(directory, script));

  std::vector<Chart> charts;
  for (const Drawing& drawing : drawings) {
    const std::string stem = absl::StrCat(directory, "/", drawing.name);
    DBN_ASSIGN_OR_RETURN(std::string png, ReadFile(stem + ".png"));
    DBN_ASSIGN_OR_RETURN(std::string svg, ReadFile(stem + ".svg"));
    charts.push_back({drawing.name, drawing.title, drawing.caption, std::move(png), std::move(svg)});
  }
  return charts;
}

}  // namespace deepbindnet
