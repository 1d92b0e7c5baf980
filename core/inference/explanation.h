// What a model attended to on the way to one prediction.
//
// These are numbers out of the network's inside. They say where it looked, and not which atom or residue causes the
// affinity: a weight may be large on what the layers before have filled from its neighbours, the head also sees the
// encoders' own vectors and the largest values by channel, and attention that is changed need not change the
// prediction. Take them as a hint where to look.
#ifndef DEEPBINDNET_CORE_INFERENCE_EXPLANATION_H_
#define DEEPBINDNET_CORE_INFERENCE_EXPLANATION_H_

#include <optional>
#include <string>
#include <vector>

namespace deepbindnet {

// Of one atom, or of one token of the protein, in one fusion layer.
struct LayerExplanation {
  // The attention it receives: a_ji is the weight with which token j of the other side reads this one, i, and
  //   attention_i = 1/(H m) sum over the H heads and the m tokens j of the other side of a_ji.
  // In [0, 1]; sums to 1 over the side.
  double attention = 0;
  // How much of what it reads itself it lets in: the mean of its gate's values over the gate's channels, in [0, 1]. 1
  // in a standard model, which has no gates.
  double gate = 1;
  std::vector<double> head_attention;  // [heads]: attention_i of each head alone; their mean is `attention`.
};

// What atoms and tokens of the protein have in common.
struct TokenExplanation {
  // The weight of the token in the attention pool after the last layer, which makes the side's fused vector:
  //   importance_i = exp(w . h_i) / sum over the side's tokens k of exp(w . h_k)
  // with the token's last state h_i and the pool's learned vector w. In [0, 1]; sums to 1 over the side. The definition
  // as importance is ours.
  double importance = 0;
  // The other half of that vector is the largest value of each channel over the tokens: the share of the channels in
  // which it is this token's, divided between those within 1e-5 of it. In [0, 1]; sums to 1 over the side.
  double largest_share = 0;
  std::vector<LayerExplanation> layers;  // [fusion_layers]
};

struct AtomExplanation : TokenExplanation {
  int index = 0;        // From 0, in the order of Explanation::canonical_smiles.
  std::string element;  // Its symbol: "C", "Cl"; "*" for an attachment point.
};

// A token stands for several residues, at most residues_per_token, which the network does not tell apart here.
struct SpanExplanation : TokenExplanation {
  int first_residue = 0, last_residue = 0;  // Positions in Explanation::sequence, from 1, both included.
};

// One pair's. Atoms and spans are complete and in order.
struct Explanation {
  double value = 0;  // The prediction, in the model's unit: what Predict says of the pair.
  // What the training pairs of similar molecules and proteins alone say, in the same unit: the prediction begins with
  // it, and neither attention nor gates know of it. Empty where the model has no similarity prior.
  std::optional<double> prior;
  std::string canonical_smiles;  // Molecule::canonical_smiles.
  std::string sequence;          // Protein::sequence.
  int residues_per_token = 0;
  std::vector<AtomExplanation> atoms;
  std::vector<SpanExplanation> spans;  // Residue p, from 1, belongs to spans[(p - 1) / residues_per_token].
};

}  // namespace deepbindnet

#endif  // DEEPBINDNET_CORE_INFERENCE_EXPLANATION_H_
