"""The include check must find each kind of forbidden edge, and nothing else."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import include_directions

FORBIDDEN = [
    ("core/base/a.h", "core/chem/molecule.h", "core/base may include only"),
    ("core/chem/a.cc", "core/data/split.h", "core/chem may include only"),
    ("core/data/a.cc", "core/model/model_options.h", "core/data may include only"),
    ("core/model/a.cc", "core/training/trainer.h", "core/model may include only"),
    ("core/model/a.cc", "core/evaluation/metrics.h", "core/model may include only"),
    ("core/evaluation/a.cc", "core/model/model_options.h", "core/evaluation may include only"),
    ("core/training/a.cc", "core/inference/predictor.h", "core/training may include only"),
    ("core/inference/a.cc", "core/training/trainer.h", "core/inference may include only"),
    ("core/unheard/a.cc", "core/base/status.h", "no known part of core"),
    ("core/base/a.cc", "grpcpp/grpcpp.h", "neither gRPC"),
    ("core/base/a.cc", "ATen/Parallel.h", "free of LibTorch"),
    ("core/csv/a.cc", "torch/torch.h", "free of LibTorch"),
    ("core/base/a.cc", "google/protobuf/message.h", "neither gRPC"),
    ("core/data/a.cc", "deepbindnet/v1/types.pb.h", "neither gRPC"),
    ("core/training/a.cc", "prometheus/registry.h", "neither gRPC"),
    ("core/training/a.cc", "server/store/store.h", "core does not include server"),
    ("core/training/a.cc", "client/output.h", "core does not include client"),
    ("core/base/a.cc", "proto/flags/option_names.h", "core does not include proto"),
    ("proto/flags/a.cc", "core/base/status.h", "proto may include only"),
    ("proto/flags/a.cc", "server/config.h", "proto may include only"),
    ("proto/flags/a.cc", "client/output.h", "proto may include only"),
    ("proto/flags/a.cc", "torch/torch.h", "neither LibTorch"),
    ("server/jobs/a.cc", "client/output.h", "server may include only"),
    ("client/a.cc", "server/store/store.h", "client may include only"),
    ("client/a.h", "core/data/columns.h", "client may include only"),
    ("client/a.cc", "torch/torch.h", "neither LibTorch"),
    ("client/a.cc", "ATen/ATen.h", "neither LibTorch"),
    ("client/a.cc", "c10/util/Optional.h", "neither LibTorch"),
    ("core/chem/a.h", "GraphMol/GraphMol.h", "RDKit stays"),
    ("core/data/a.cc", "GraphMol/SmilesParse/SmilesParse.h", "RDKit stays"),
    ("server/rpc/a.cc", "RDGeneral/RDLog.h", "RDKit stays"),
    ("tests/core/chem/a_test.cc", "GraphMol/GraphMol.h", "RDKit stays"),
    ("server/rpc/a.cc", "tests/support/fake_store.h", "does not include its tests"),
    ("tests/core/base/a_test.cc", "server/store/store.h", "build without the service"),
    ("tests/core/base/a_test.cc", "proto/flags/option_names.h", "build without the service"),
    ("deploy/healthcheck/a.cc", "core/base/status.h", "stand alone"),
    ("core/base/a.cc", "../chem/molecule.h", "path from the root"),
]

ALLOWED = [
    ("core/chem/a.cc", "core/base/status.h"),
    ("core/compute/a.cc", "torch/torch.h"),
    ("core/chem/a.cc", "GraphMol/GraphMol.h"),
    ("core/data/a.cc", "core/chem/molecule.h"),
    ("core/model/a.cc", "core/data/processed_dataset.h"),
    ("core/evaluation/a.cc", "core/base/file.h"),
    ("core/training/a.cc", "core/evaluation/metrics.h"),
    ("core/inference/a.cc", "core/evaluation/metrics.h"),
    ("core/model/a.cc", "torch/torch.h"),
    ("core/base/a.cc", "absl/status/status.h"),
    ("proto/flags/a.cc", "proto/flags/option_names.h"),
    ("proto/flags/a.cc", "google/protobuf/message.h"),
    ("proto/flags/a.cc", "deepbindnet/v1/types.pb.h"),
    ("server/rpc/a.cc", "core/inference/predictor.h"),
    ("server/a.cc", "proto/flags/option_names.h"),
    ("server/worker/a.cc", "proto/flags/field_flags.h"),
    ("server/rpc/a.cc", "deepbindnet/v1/types.pb.h"),
    ("server/metrics/a.cc", "prometheus/registry.h"),
    ("client/a.cc", "client/output.h"),
    ("client/a.cc", "deepbindnet/v1/deepbindnet.grpc.pb.h"),
    ("client/a.cc", "proto/flags/field_flags.h"),
    ("client/a.cc", "core/base/status.h"),
    ("client/a.cc", "core/csv/table.h"),
    ("tests/server/a_test.cc", "tests/support/fake_store.h"),
    ("tests/e2e/a_test.cc", "server/store/store.h"),
    ("tests/client/a_test.cc", "core/csv/csv_reader.h"),
]


class ViolationTest(unittest.TestCase):
    def test_every_kind_of_forbidden_edge_is_found(self):
        for source, header, why in FORBIDDEN:
            with self.subTest(source=source, header=header):
                self.assertIn(why, include_directions.violation(source, header) or "")

    def test_allowed_edges_pass(self):
        for source, header in ALLOWED:
            with self.subTest(source=source, header=header):
                self.assertIsNone(include_directions.violation(source, header))


class CheckTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)

    def write(self, path, text):
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(text, encoding="utf-8")

    def run_script(self):
        return subprocess.run(
            [sys.executable, include_directions.__file__, str(self.root)], capture_output=True, text=True, check=False
        )

    def test_names_file_line_and_header(self):
        self.write("client/a.cc", '#include <string>\n\n#  include "torch/torch.h"\n')
        self.assertEqual(len(include_directions.check(self.root)), 1)
        self.assertIn('client/a.cc:3: #include "torch/torch.h"', include_directions.check(self.root)[0])

    def test_angle_brackets_are_no_way_around(self):
        self.write("client/a.cc", "#include <core/model/fusion.h>\n")
        self.assertEqual(len(include_directions.check(self.root)), 1)

    def test_a_neighbour_without_its_path_is_found(self):
        self.write("core/base/a.cc", '#include "status.h"\n')
        self.assertIn("path from the root", include_directions.check(self.root)[0])

    def test_exit_code_tells_clean_from_forbidden_from_empty(self):
        self.assertEqual(self.run_script().returncode, 2)
        self.write("core/base/a.cc", "#include <string>\n")
        self.assertEqual(self.run_script().returncode, 0)
        self.write("core/base/b.cc", '#include "grpcpp/grpcpp.h"\n')
        self.assertEqual(self.run_script().returncode, 1)


if __name__ == "__main__":
    unittest.main()
