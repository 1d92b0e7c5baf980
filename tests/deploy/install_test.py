"""What `cmake --install` puts where."""
import os
import pathlib
import subprocess
import tempfile
import unittest

DEADLINE = 120
COMPLETIONS = {
    "bash": "share/bash-completion/completions/deepbindnet",
    "fish": "share/fish/vendor_completions.d/deepbindnet.fish",
    "zsh": "share/zsh/site-functions/_deepbindnet",
}


def run(*arguments):
    return subprocess.run(arguments, capture_output=True, text=True, check=False, timeout=DEADLINE)


class InstallTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.prefix = pathlib.Path(folder.name)
        for component in ("programs", "service"):
            done = run(os.environ["CMAKE_COMMAND"], "--install", os.environ["DEEPBINDNET_BINARY_DIR"], "--component",
                       component, "--prefix", folder.name)
            if done.returncode != 0:
                raise AssertionError(done.stdout + done.stderr)

    def test_installs_these_files_and_no_others(self):
        programs = ("deepbindnet", "deepbindnet-healthcheck", "deepbindnet-server", "deepbindnet-worker")
        self.assertEqual(
            sorted(str(path.relative_to(self.prefix)) for path in self.prefix.rglob("*") if path.is_file()),
            sorted([*(f"bin/{program}" for program in programs), *COMPLETIONS.values(),
                    "lib/systemd/system/deepbindnet.service", "share/doc/deepbindnet/operations.md"]),
        )

    def test_the_completions_are_those_that_the_program_prints(self):
        for shell, path in COMPLETIONS.items():
            with self.subTest(shell=shell):
                printed = run(str(self.prefix / "bin" / "deepbindnet"), "completion", shell)
                self.assertEqual(printed.returncode, 0, printed.stderr)
                self.assertEqual((self.prefix / path).read_text(encoding="utf-8"), printed.stdout)

    def test_bash_loads_its_completion(self):
        loaded = run("bash", "--norc", "-c", f"source '{self.prefix / COMPLETIONS['bash']}' && complete -p deepbindnet")
        self.assertEqual((loaded.returncode, loaded.stdout), (0, "complete -F _deepbindnet deepbindnet\n"), loaded.stderr)


if __name__ == "__main__":
    unittest.main()
