#include "core/chem/drawing.h"

#include <GraphMol/MolDraw2D/MolDraw2DSVG.h>
#include <GraphMol/MolDraw2D/MolDraw2DUtils.h>
#include <GraphMol/RWMol.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <memory>
#include <numeric>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_replace.h"
#include "core/base/text.h"
#include "core/chem/rdkit_util.h"

namespace deepbindnet {
namespace {

// The first four of five steps of ColorBrewer's YlOrBr, which is safe for colour-blind eyes; black text is legible on
// each of them.
constexpr std::array<std::array<int, 3>, 4> kScale = {
    {{255, 255, 212}, {254, 217, 142}, {254, 153, 41}, {217, 95, 14}}};

// In pixels.
constexpr double kBondLength = 30;
constexpr int kLeastWidth = 320;
constexpr int kLegendHeight = 64;
constexpr int kMargin = 16;
constexpr int kBarHeight = 14;
constexpr size_t kTitleCharacters = 60;
constexpr double kDiscRadius = 0.4;  // In bond lengths of about 1.5.

// The scale's colour at a share in [0, 1], each channel in [0, 1].
RDKit::DrawColour ColourAt(double share) {
  const double place = share * (kScale.size() - 1);
  const size_t low = std::min(static_cast<size_t>(place), kScale.size() - 2);
  const double rest = place - static_cast<double>(low);
  const auto channel = [&](size_t c) { return (kScale[low][c] * (1 - rest) + kScale[low + 1][c] * rest) / 255; };
  return {channel(0), channel(1), channel(2)};
}

absl::Status CheckWeights(const std::vector<double>& weights, size_t atoms) {
  if (weights.size() != atoms) {
    return InvalidField("weights", absl::StrCat(weights.size(), " values"),
                        absl::StrCat("do not fit; give one for each of the ", atoms, " atoms"));
  }
  for (size_t i = 0; i < weights.size(); ++i) {
    if (std::isfinite(weights[i]) && weights[i] >= 0) continue;
    return InvalidField(absl::StrCat("weights[", i, "]"), absl::StrCat(weights[i]),
                        "cannot be drawn; give a finite number that is not negative");
  }
  return absl::OkStatus();
}

struct Picture {
  std::string elements;  // SVG without its document.
  int width = 0, height = 0;
};

// RDKit's elements stand between its rectangle of background and the document's end.
std::string Elements(const std::string& document) {
  const size_t root = document.find("<svg");
  const size_t begin = document.find('>', root) + 1;
  return document.substr(begin, document.rfind("</svg>") - begin);
}

Picture Draw(const RDKit::ROMol& molecule, const std::vector<double>& weights, double largest, bool atom_indices) {
  std::vector<int> atoms(weights.size());
  std::iota(atoms.begin(), atoms.end(), 0);
  std::map<int, RDKit::DrawColour> colours;
  std::map<int, double> radii;
  for (const int atom : atoms) {
    colours[atom] = ColourAt(largest > 0 ? weights[static_cast<size_t>(atom)] / largest : 0);
    radii[atom] = kDiscRadius;
  }
  RDKit::MolDraw2DSVG drawer(-1, -1);  // As large as the molecule.
  RDKit::MolDrawOptions& options = drawer.drawOptions();
  options.scalingFactor = kBondLength;
  options.prepareMolsBeforeDrawing = false;
  options.includeMetadata = false;
  options.clearBackground = false;
  options.atomHighlightsAreCircles = true;
  options.addAtomIndices = atom_indices;
  options.annotationFontScale = 0.6;
  RDKit::assignBWPalette(options.atomColourPalette);
  const std::vector<int> no_bonds;
  drawer.drawMolecule(molecule, "", &atoms, &no_bonds, &colours, nullptr, &radii);
  drawer.finishDrawing();
  return {Elements(drawer.getDrawingText()), drawer.width(), drawer.height()};
}

std::string Escape(absl::string_view text) {
  return absl::StrReplaceAll(text, {{"&", "&amp;"}, {"<", "&lt;"}, {">", "&gt;"}, {"\"", "&quot;"}});
}

// `anchor` is SVG's text-anchor.
std::string Text(int x, int y, absl::string_view anchor, absl::string_view text) {
  return absl::StrFormat(
      "<text x='%d' y='%d' text-anchor='%s' font-family='sans-serif' font-size='13' fill='#000000'>%s</text>\n", x, y,
      anchor, Escape(text));
}

std::string Legend(int width, int top, double largest, absl::string_view title) {
  std::string svg = "<defs><linearGradient id='scale'>\n";
  for (size_t i = 0; i < kScale.size(); ++i) {
    absl::StrAppendFormat(&svg, "<stop offset='%.4f' stop-color='#%02X%02X%02X'/>\n",
                          static_cast<double>(i) / (kScale.size() - 1), kScale[i][0], kScale[i][1], kScale[i][2]);
  }
  absl::StrAppendFormat(&svg,
                        "</linearGradient></defs>\n<rect class='scale' x='%d' y='%d' width='%d' height='%d' "
                        "fill='url(#scale)' stroke='#000000' stroke-width='0.5'/>\n",
                        kMargin, top + 24, width - 2 * kMargin, kBarHeight);
  absl::StrAppend(&svg, Text(width / 2, top + 16, "middle", ShowText(title, kTitleCharacters)));
  absl::StrAppend(&svg, Text(kMargin, top + 24 + kBarHeight + 16, "start", "0"));
  absl::StrAppend(&svg, Text(width - kMargin, top + 24 + kBarHeight + 16, "end", absl::StrFormat("%.4g", largest)));
  return svg;
}

std::string Document(const Picture& picture, double largest, absl::string_view title) {
  const int width = std::max(kLeastWidth, picture.width + 2 * kMargin);
  const int top = picture.height + 2 * kMargin, height = top + kLegendHeight;
  return absl::StrFormat(
      "<?xml version='1.0' encoding='UTF-8'?>\n"
      "<svg version='1.1' xmlns='http://www.w3.org/2000/svg' width='%dpx' height='%dpx' viewBox='0 0 %d %d' "
      "xml:space='preserve'>\n<rect width='%d' height='%d' fill='#FFFFFF'/>\n<g transform='translate(%d,%d)'>\n%s"
      "</g>\n%s</svg>\n",
      width, height, width, height, width, height, (width - picture.width) / 2, kMargin, picture.elements,
      Legend(width, top, largest, title));
}

}  // namespace

absl::StatusOr<std::string> DrawMolecule(const std::string& canonical_smiles, const std::vector<double>& weights,
                                         const DrawingOptions& options) {
  return CatchRdkit(canonical_smiles, [&]() -> absl::StatusOr<std::string> {
    DBN_ASSIGN_OR_RETURN(const std::shared_ptr<RDKit::RWMol> molecule, ReadSmiles(canonical_smiles));
    DBN_RETURN_IF_ERROR(CheckWeights(weights, molecule->getNumAtoms()));
    const double largest = weights.empty() ? 0 : *std::max_element(weights.begin(), weights.end());
    // Without hydrogens at stereocentres: atoms stay those of the graph.
    RDKit::MolDraw2DUtils::prepareMolForDrawing(*molecule, /*kekulize=*/true, /*addChiralHs=*/false,
                                                /*wedgeBonds=*/true, /*forceCoords=*/true);
    return Document(Draw(*molecule, weights, largest, options.atom_indices), largest, options.title);
  });
}

}  // namespace deepbindnet
