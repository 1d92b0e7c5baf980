"""The package lists, and install.sh with fakes for what it calls."""
import os
import pathlib
import subprocess
import tempfile
import unittest

PACKAGES = pathlib.Path(__file__).resolve().parents[2] / "deploy" / "packages"

# Each call is noted in $CALLS; apt-get also notes whether services may start.
FAKE_APT_GET = """#!/bin/sh
echo "apt-get $* policy=$([ -x "$POLICY_RC_D" ] && "$POLICY_RC_D"; echo $?)" >> "$CALLS"
[ "$1" != "$FAIL_ON" ]
"""
FAKE_SYSTEMCTL = """#!/bin/sh
echo "systemctl $*" >> "$CALLS"
"""
FAKE_DPKG_QUERY = """#!/bin/sh
echo "installed cmake"
echo "config-files curl"
"""
FAKE_SUDO = """#!/bin/sh
echo "sudo $*" >> "$CALLS"
"""
FAKE_ID = """#!/bin/sh
echo "$FAKE_UID"
"""


def names(path):
    lines = path.read_text(encoding="utf-8").splitlines()
    return [line for line in lines if line and not line.startswith("#")]


class PackageListsTest(unittest.TestCase):
    def test_each_list_is_sorted_and_names_a_package_once(self):
        for path in PACKAGES.glob("*.txt"):
            with self.subTest(list=path.name):
                self.assertEqual(names(path), sorted(set(names(path))))

    def test_the_image_holds_no_compiler(self):
        for name in names(PACKAGES / "runtime.txt"):
            self.assertFalse(name.endswith("-dev") or name in ("g++", "cmake"), name)


class InstallTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.calls = self.root / "calls"
        self.policy = self.root / "policy-rc.d"
        fakes = {
            "apt-get": FAKE_APT_GET,
            "systemctl": FAKE_SYSTEMCTL,
            "dpkg-query": FAKE_DPKG_QUERY,
            "sudo": FAKE_SUDO,
            "id": FAKE_ID,
        }
        for name, text in fakes.items():
            path = self.root / "bin" / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)

    def install(self, *packages, fail_on="", uid=0):
        wanted = self.root / "list.txt"
        wanted.write_text("# A comment.\n" + "\n".join(packages) + "\n", encoding="utf-8")
        environment = dict(
            os.environ,
            PATH=f'{self.root / "bin"}:{os.environ["PATH"]}',
            CALLS=str(self.calls),
            POLICY_RC_D=str(self.policy),
            FAIL_ON=fail_on,
            FAKE_UID=str(uid),
        )
        return subprocess.run(
            [str(PACKAGES / "install.sh"), str(wanted)],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def noted(self):
        return self.calls.read_text(encoding="utf-8").splitlines() if self.calls.exists() else []

    def test_calls_nothing_where_nothing_is_missing(self):
        done = self.install("cmake")
        self.assertEqual((done.returncode, self.noted()), (0, []), done.stderr)

    def test_installs_only_what_is_missing_and_starts_no_service(self):
        done = self.install("cmake", "curl", "prometheus")
        self.assertEqual(done.returncode, 0, done.stderr)
        update, install, disable = self.noted()
        self.assertIn("update", update)
        self.assertIn("--no-install-recommends curl prometheus policy=101", install)
        self.assertEqual(disable, "systemctl disable --quiet prometheus.service")
        self.assertFalse(self.policy.exists())

    def test_fails_with_apt_and_leaves_no_policy_behind(self):
        self.assertNotEqual(self.install("curl", fail_on="install").returncode, 0)
        self.assertFalse(self.policy.exists())

    def test_leaves_a_policy_that_stands_already(self):
        self.policy.write_text("#!/bin/sh\nexit 0\n", encoding="utf-8")
        self.assertEqual(self.install("curl").returncode, 0)
        self.assertEqual(self.policy.read_text(encoding="utf-8"), "#!/bin/sh\nexit 0\n")

    def test_becomes_root_through_sudo(self):
        self.assertEqual(self.install("curl", uid=1000).returncode, 0)
        self.assertEqual(len(self.noted()), 1)
        self.assertIn("install.sh", self.noted()[0])


if __name__ == "__main__":
    unittest.main()
