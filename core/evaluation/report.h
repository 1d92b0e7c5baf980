// The comparison as one HTML page that needs nothing else: no script, style, font or picture from elsewhere.
#ifndef DEEPBINDNET_CORE_EVALUATION_REPORT_H_
#define DEEPBINDNET_CORE_EVALUATION_REPORT_H_

#include <string>
#include <vector>

#include "core/evaluation/charts.h"
#include "core/evaluation/comparison.h"

namespace deepbindnet {

// The page: a summary in words, the metrics as a table that sorts by a click on a column's head, the charts as inline
// SVG that follow the reader's light or dark theme, and what was compared, with digests. `comparison` is
// Compare(input). Every name is escaped.
std::string RenderReport(const ComparisonInput& input, const Comparison& comparison, const std::vector<Chart>& charts);

// The summary alone, as plain sentences.
std::string SummarizeComparison(const ComparisonInput& input, const Comparison& comparison);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_EVALUATION_REPORT_H_
