#include "proto/flags/predict_flags.h"

#include <CLI/Validators.hpp>

namespace deepbindnet {
namespace {

void AddExplainFlags(PredictFlags* flags, CLI::App* app) {
  CLI::Option* const explain =
      app->add_option("--explain", flags->explain,
                      "Directory for what the model attended to: row-N.json and row-N.svg for data row N, from 1; a "
                      "single pair is row 1")
          ->type_name("DIR");
  app->add_option("--explain-detail", flags->explain_detail, "summary, layers or heads in the JSON [layers]")
      ->check(CLI::IsMember({"summary", "layers", "heads"}))
      ->type_name("DETAIL")
      ->needs(explain);
  app->add_flag("--atom-indices", flags->atom_indices, "Write each atom's index into the drawing")->needs(explain);
}

}  // namespace

void AddPredictFlags(PredictFlags* flags, CLI::App* app) {
  app->add_option("--smiles", flags->smiles, "The molecule, at most 4096 characters")->type_name("SMILES");
  app->add_option("--sequence", flags->sequence, "The protein, one letter a residue, at most 10000")
      ->type_name("SEQUENCE");
  app->add_option("--input", flags->input,
                  "CSV, also .gz, with columns compound_iso_smiles|smiles|drug and target_sequence|sequence|protein")
      ->type_name("FILE");
  app->add_option("--output", flags->output,
                  "CSV to write: the input's columns and predicted_affinity, predicted_unit, prediction_error")
      ->type_name("FILE");
  AddExplainFlags(flags, app);
  app->add_option("--protein-features", flags->protein_features,
                  "Vectors for a model with protein features, by sequence or, with --input, also by id: .pt of "
                  "torch.save, or .npy with a .txt beside it [those that the model was trained with]")
      ->type_name("FILE");
}

}  // namespace deepbindnet
