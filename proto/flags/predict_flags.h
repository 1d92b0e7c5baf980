// The command-line options of `predict` that are the same with and without a server.
#ifndef DEEPBINDNET_PROTO_FLAGS_PREDICT_FLAGS_H_
#define DEEPBINDNET_PROTO_FLAGS_PREDICT_FLAGS_H_

#include <CLI/App.hpp>
#include <string>

namespace deepbindnet {

// As given; empty where an option is not.
struct PredictFlags {
  std::string smiles, sequence;
  std::string input, output;
  std::string protein_features;           // File of vectors.
  std::string explain;                    // Directory.
  std::string explain_detail = "layers";  // "summary", "layers" or "heads".
  bool atom_indices = false;
};

// Adds the options to `app`. What they say of an explanation needs --explain. `flags` must outlive parsing.
void AddPredictFlags(PredictFlags* flags, CLI::App* app);

}  // namespace deepbindnet

#endif  // DEEPBINDNET_PROTO_FLAGS_PREDICT_FLAGS_H_
