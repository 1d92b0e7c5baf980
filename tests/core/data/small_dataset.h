// A processed data set made by hand, valid in every detail.
#ifndef DEEPBINDNET_TESTS_CORE_DATA_SMALL_DATASET_H_
#define DEEPBINDNET_TESTS_CORE_DATA_SMALL_DATASET_H_

#include "core/chem/environments.h"
#include "core/chem/protein.h"
#include "core/data/processed_dataset.h"

namespace deepbindnet {

// Two molecules (two bonded atoms; one atom), two proteins, two training pairs, one pair in each other part.
inline ProcessedDataset MakeSmallDataset() {
  ProcessedDataset dataset;
  MoleculeEntry methanol{"CO", {}};
  methanol.graph.atom_features = {3, 1, 3, 3, 0, 3, 0, 0, 5, 1, 3, 1, 0, 3, 0, 0};
  methanol.graph.bond_atoms = {0, 1};
  methanol.graph.bond_features = {0, 0, 0, 0};
  MoleculeEntry methane{"C", {}};
  methane.graph.atom_features = {3, 0, 3, 4, 0, 3, 0, 0};
  for (MoleculeEntry* molecule : {&methanol, &methane}) {
    molecule->graph.environments = AtomEnvironments(molecule->graph);
  }
  dataset.molecules = {methanol, methane};
  for (const char* sequence : {"MKTV", "ACDUX"}) {
    dataset.proteins.push_back({sequence, ParseSequence(sequence).value().tokens});
  }
  dataset.train = {{0, 1}, {0, 1}, {5.0, 7.0}, {1, 2}};
  dataset.val = {{0}, {1}, {6.25}, {3}};
  dataset.test = {{1}, {0}, {8.5}, {4}};
  dataset.scaler = FitScaler(dataset.train.affinity);
  dataset.manifest.source = "small.csv";
  dataset.manifest.affinity_unit = "pKd";
  dataset.manifest.affinity_direction = AffinityDirection::kHigherBindsTighter;
  dataset.manifest.split.method = SplitMethod::kColumn;
  dataset.manifest.split.split_column = "fold";
  dataset.manifest.split.seed = 18446744073709551615u;
  dataset.manifest.split_labels = {{"0", 5}, {"test", 2}, {"val", 2}};
  dataset.manifest.rows_read = 10;
  dataset.manifest.rows_rejected = 1;
  dataset.manifest.duplicates_merged = 3;
  dataset.manifest.pairs_dropped = 2;
  dataset.manifest.drugs = 2;
  dataset.manifest.targets = 2;
  dataset.manifest.train_pairs = 2;
  dataset.manifest.val_pairs = 1;
  dataset.manifest.test_pairs = 1;
  dataset.manifest.test_drugs_in_train = 1;
  dataset.manifest.test_targets_in_train = 1;
  return dataset;
}

// The same with a vector of three features for each protein.
inline ProcessedDataset MakeDatasetWithFeatures() {
  ProcessedDataset dataset = MakeSmallDataset();
  dataset.manifest.protein_feature_dim = 3;
  dataset.proteins[0].features = {0.5F, -1.0F, 2.25F};
  dataset.proteins[1].features = {1.5F, 0.0F, -4.0F};
  return dataset;
}

}  // namespace deepbindnet

#endif  // DEEPBINDNET_TESTS_CORE_DATA_SMALL_DATASET_H_
