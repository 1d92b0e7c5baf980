"""TLS, client certificates and tokens: who gets in, what the others are told, and what the log has of it."""

import collections
import contextlib
import glob
import json
import os
import re
import shutil
import signal
import subprocess
import unittest

from harness import (ENVIRONMENT, STEP_DEADLINE, TINY, UNENDING, Server, ServerTest, program, read_csv,
                     run_server, synthesize, wait_until)

NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-batch"]

# PEM files.
Identity = collections.namedtuple("Identity", "certificate key")


def openssl(*arguments):
    subprocess.run(["openssl", *arguments], check=True, capture_output=True, timeout=STEP_DEADLINE)


def words(options):
    return [word for option in options.items() for word in option]


def read_bytes(path):
    with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
        return file.read()
    return b""


def files_below(directory):
    return [path for path in glob.glob(os.path.join(directory, "**"), recursive=True) if os.path.isfile(path)]


class Authority:
    """A certificate authority whose files are in `directory`, which it makes."""

    def __init__(self, directory):
        os.mkdir(directory)
        self.directory = directory
        self.certificate, self.key = self._identity("authority")
        openssl("req", "-x509", *NEW_KEY, "-subj", f"/CN={os.path.basename(directory)}", "-days", "90", "-keyout",
                self.key, "-out", self.certificate)

    def _identity(self, name):
        path = os.path.join(self.directory, name)
        return Identity(f"{path}.pem", f"{path}.key")

    def issue(self, name, days=60):
        """A certificate for a client and for a server at 127.0.0.1; `days` -1: one that has expired."""
        identity = self._identity(name)
        request = os.path.join(self.directory, f"{name}.csr")
        openssl("req", *NEW_KEY, "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-keyout",
                identity.key, "-out", request)
        openssl("x509", "-req", "-in", request, "-copy_extensions", "copy", "-CA", self.certificate, "-CAkey", self.key,
                "-CAcreateserial", "-days", str(days), "-out", identity.certificate)
        return identity


class SecuredTest(ServerTest):
    """A server with all of it. Of the callers alice and bob are submitters, vic is a viewer and root an admin."""

    with_dataset = False
    log_options = []

    @classmethod
    def make_files(cls):
        cls.ours = Authority(cls.path("ours"))
        cls.theirs = Authority(cls.path("theirs"))
        cls.our_server = cls.ours.issue("server")
        cls.their_server = cls.theirs.issue("server")
        cls.client = cls.ours.issue("client")
        cls.tokens_file = cls.path("tokens")
        cls.served = Identity(cls.path("served.pem"), cls.path("served.key"))
        cls.install(cls.our_server)
        for name, role in (("alice", "submitter"), ("bob", "submitter"), ("vic", "viewer"), ("root", "admin")):
            cls.add_token(name, role)
        cls.secure_options = {"--tls-cert": cls.served.certificate, "--tls-key": cls.served.key,
                              "--tls-client-ca": cls.ours.certificate, "--tokens-file": cls.tokens_file}
        cls.server_options = [*words(cls.secure_options), *cls.log_options]

    @classmethod
    def install(cls, identity):
        for source, served in zip(identity, cls.served):
            shutil.copyfile(source, served)

    @classmethod
    def change_tokens(cls, *arguments):
        """`deepbindnet-server tokens ...`, which must succeed; returns what it prints."""
        result = run_server("tokens", arguments[0], "--tokens-file", cls.tokens_file, *arguments[1:])
        if result.returncode != 0:
            raise AssertionError(f"{arguments} exited {result.returncode}: {result.stderr}")
        return result.stdout

    @classmethod
    def token_path(cls, name):
        return cls.path(f"{name}.token")

    @classmethod
    def add_token(cls, name, role, *options):
        cls.write_token(name, cls.change_tokens("add", "--name", name, "--role", role, *options))

    @classmethod
    def write_token(cls, name, token):
        with open(cls.token_path(name), "w", encoding="ascii") as file:
            os.fchmod(file.fileno(), 0o600)  # The command line warns of a token that others may read.
            file.write(token)

    @classmethod
    def read_token(cls, name):
        with open(cls.token_path(name), encoding="ascii") as file:
            return file.read().strip()

    @classmethod
    def caller(cls, name, authority=None, identity=None):
        """Options of the command line for `name`, who trusts `authority` and has the certificate `identity`."""
        identity = identity or cls.client
        return ["--tls-ca", (authority or cls.ours).certificate, "--tls-cert", identity.certificate, "--tls-key",
                identity.key, "--token-file", cls.token_path(name)]

    def run_as(self, name, *arguments):
        return self.run_cli(*self.caller(name), "--json", *arguments)

    def run_json_as(self, name, *arguments):
        return self.run_json(*self.caller(name), *arguments)

    def assert_refused(self, result, reason, *parts):
        self.assert_one_error_line(result, 1, *parts)
        self.assertEqual(json.loads(result.stdout)["reason"], reason)


class AccessTest(SecuredTest):
    log_options = ["--log-level", "debug"]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.csv = synthesize(cls.path("demo.csv"))
        cls.run_json(*cls.caller("alice"), "datasets", "prepare", cls.csv, "--name", "demo")

    def assert_whole_way(self, run, name):
        """`run` gives the output of a command by a caller."""
        run("alice", "datasets", "prepare", self.csv, "--name", name)
        run("alice", "train", "--dataset", name, "--name", name, "--num-epochs", "1", *TINY)
        row = read_csv(self.csv)[0]
        [prediction] = run("vic", "predict", "--model", name, "--smiles", row["compound_iso_smiles"], "--sequence",
                           row["target_sequence"])
        self.assertIsInstance(prediction["predicted_affinity"], float)
        [job] = run("vic", "jobs", "status", name)
        self.assertEqual(job["submitter"], "alice")

    def test_the_whole_way_with_options(self):
        self.assert_whole_way(self.run_json_as, "by-options")

    def test_the_whole_way_with_environment_variables(self):
        def run(name, *arguments):
            options = self.caller(name)
            variables = {"DEEPBINDNET_" + option[2:].replace("-", "_").upper(): value
                         for option, value in zip(options[::2], options[1::2])}
            result = self.run_cli("--json", *arguments, environment={**ENVIRONMENT, **variables})
            self.assertEqual(result.returncode, 0, result.stderr)
            return [json.loads(line) for line in result.stdout.splitlines()]

        self.assert_whole_way(run, "by-environment")

    def test_who_has_no_connection_is_told_the_remedy(self):
        token = ["--token-file", self.token_path("alice")]
        stranger = self.theirs.issue("client")
        callers = {
            "wrong authority": (self.caller("alice", authority=self.theirs), "--tls-ca FILE"),
            "no client certificate": (["--tls-ca", self.ours.certificate, *token], "--tls-cert FILE --tls-key FILE"),
            "another authority's client": (self.caller("alice", identity=stranger), "--tls-cert FILE --tls-key FILE"),
            "no TLS": (token, "--tls"),
        }
        for what, (options, remedy) in callers.items():
            for command in (["jobs", "list"], ["train", "--dataset", "demo", "--name", "unheard"]):
                with self.subTest(what, command=command):
                    self.assert_one_error_line(self.run_cli(*options, *command), 3, self.server.address, remedy)
        self.assert_refused(self.run_as("alice", "jobs", "status", "unheard"), "JOB_NOT_FOUND", "unheard")

    def test_who_has_no_token_is_told_so(self):
        result = self.run_cli("--json", *self.caller("nobody")[:-2], "jobs", "list")
        self.assert_refused(result, "NO_TOKEN", "--token-file FILE")

    def test_who_has_an_unknown_token_is_told_so(self):
        self.write_token("stranger", self.read_token("alice")[:-1] + "!\n")
        self.assert_refused(self.run_as("stranger", "jobs", "list"), "BAD_TOKEN", "does not know the token",
                            self.token_path("stranger"))

    def test_who_has_too_low_a_role_is_told_so(self):
        for command in (["train", "--dataset", "demo", "--name", "no"], ["jobs", "cancel", "demo"],
                        ["datasets", "delete", "--yes", "demo"], ["datasets", "prepare", self.csv, "--name", "no"]):
            self.assert_refused(self.run_as("vic", *command), "ROLE_TOO_LOW", "vic has the role viewer", "submitter")
        self.assert_refused(self.run_as("alice", "server", "log-level", "info"), "ROLE_TOO_LOW", "submitter", "admin")

    def test_who_steers_or_deletes_what_another_made_is_told_so(self):
        for command in (["jobs", "pause", "demo"], ["jobs", "resume", "demo"], ["jobs", "cancel", "demo"],
                        ["jobs", "delete", "--yes", "demo"], ["datasets", "delete", "--yes", "demo"]):
            self.assert_refused(self.run_as("bob", *command), "NOT_YOURS", "is alice's")
        self.run_json_as("bob", "train", "--dataset", "demo", "--name", "bobs", "--num-epochs", "1", *TINY)
        self.assert_refused(self.run_as("alice", "models", "delete", "--yes", "bobs"), "NOT_YOURS", "is bob's")
        self.run_json_as("root", "models", "delete", "--yes", "bobs")
        self.run_json_as("bob", "jobs", "delete", "--yes", "bobs")

    def test_status_says_who_i_am(self):
        for name, role in (("alice", "submitter"), ("vic", "viewer"), ("root", "admin")):
            [status] = self.run_json_as(name, "server", "status")
            self.assertEqual((status["caller"], status["caller_role"], status["tls"]), (name, role.upper(), True))
            text = self.run_cli(*self.caller(name), "server", "status").stdout
            self.assertRegex(text, rf"(?m)^you +{name}, {role}$")
            self.assertRegex(text, r"(?m)^server .*, TLS$")

    def test_a_token_is_nowhere_but_in_its_callers_file(self):
        self.addCleanup(self.run_as, "alice", "jobs", "cancel", "secret")
        training = self.start_cli(*self.caller("alice"), "train", "--dataset", "demo", "--name", "secret",
                                  "--num-epochs", UNENDING, *TINY)
        training.until_epoch(1)
        self.write_token("stranger", "dbn_" + "A" * 43)
        self.assertEqual(self.run_as("stranger", "jobs", "list").returncode, 1)
        self.assertEqual(self.run_as("vic", "jobs", "cancel", "secret").returncode, 1)
        processes = [training.process.pid, self.server.process.pid, *self.server.workers()]
        self.assertEqual(len(processes), 3)
        paths = [self.server.log_path, self.tokens_file, *files_below(self.server.data_dir)]
        paths += [f"/proc/{process}/{name}" for process in processes for name in ("cmdline", "environ")]
        texts = {path: read_bytes(path) for path in paths}
        self.assertIn(b"does not know the token", texts[self.server.log_path])
        for name in ("alice", "bob", "vic", "root", "stranger"):
            token = self.read_token(name)
            self.assertRegex(token, r"\Adbn_[A-Za-z0-9_-]{43}\Z")
            self.assertEqual([path for path, text in texts.items() if token.encode() in text], [], name)


class ReloadTest(SecuredTest):
    """What SIGHUP changes; a new server for each test."""

    def setUp(self):
        self.install(self.our_server)
        if self.server.process.poll() is not None:
            self.server.start()
        self.addCleanup(self.server.stop)
        tokens = read_bytes(self.tokens_file)
        self.addCleanup(self.write_tokens, tokens)

    def write_tokens(self, text):
        with open(self.tokens_file, "wb") as file:
            file.write(text)

    def reload(self):
        """SIGHUP; returns the server's line on the tokens, and that on the certificates."""
        begin = self.server.log_size()
        self.server.process.send_signal(signal.SIGHUP)
        lines = r"(?m)^(\S+ \S+ +tokens are .*read again.*)\n(\S+ \S+ +certificates are .*read again.*)\n"
        return wait_until(lambda: re.search(lines, self.server.log_from(begin)), "the server reads again").groups()

    def assert_reloaded(self):
        tokens, certificates = self.reload()
        self.assertRegex(tokens, r"\A\S+ info +tokens are read again\Z")
        self.assertRegex(certificates, r"\A\S+ info +certificates are read again\Z")

    def assert_not_reloaded(self, what, *parts):
        """`what` stays as it was, for a reason that has `parts`; the other is read again."""
        for line in self.reload():
            if f" {what} are " not in line:
                self.assertRegex(line, r"\A\S+ info +\w+ are read again\Z")
                continue
            self.assertRegex(line, rf"\A\S+ error +{what} are not read again and stay as they were ")
            for part in parts:
                self.assertIn(part, line)

    def assert_let_in(self, name, **options):
        result = self.run_cli(*self.caller(name, **options), "jobs", "list")
        self.assertEqual(result.returncode, 0, result.stderr)

    def test_tokens_are_added_and_removed(self):
        self.add_token("carol", "viewer")
        self.assertRegex(self.change_tokens("list"), r"(?m)^alice +submitter +never\n(.*\n)*carol +viewer +never$")
        self.assert_refused(self.run_as("carol", "jobs", "list"), "BAD_TOKEN", "does not know the token")
        self.assert_reloaded()
        self.assert_let_in("carol")

        self.change_tokens("remove", "--name", "carol")
        self.assertNotIn("carol", self.change_tokens("list"))
        self.assert_let_in("carol")
        self.assert_reloaded()
        self.assert_refused(self.run_as("carol", "jobs", "list"), "BAD_TOKEN", "does not know the token")
        self.assert_let_in("alice")

    def test_a_token_expires(self):
        self.add_token("late", "viewer", "--expires", "2999-12-31")
        self.assert_reloaded()
        self.assert_let_in("late")
        self.write_tokens(read_bytes(self.tokens_file).replace(b"2999-12-31", b"2020-01-01"))
        self.assertRegex(self.change_tokens("list"), r"(?m)^late +viewer +2020-01-01 \(expired\)$")
        self.assert_reloaded()
        self.assert_refused(self.run_as("late", "jobs", "list"), "BAD_TOKEN", "expired on 2020-01-01", "late")

    def test_a_new_certificate_is_for_new_connections(self):
        self.run_json_as("alice", "datasets", "prepare", synthesize(self.path("small.csv")), "--name", "demo")
        self.run_json_as("alice", "train", "--dataset", "demo", "--name", "long", "--num-epochs", UNENDING, "--detach",
                         *TINY)
        watcher = self.start_cli(*self.caller("alice"), "jobs", "watch", "long")
        watcher.until_epoch(1)
        self.install(self.their_server)
        self.assert_reloaded()
        self.assert_let_in("alice", authority=self.theirs)
        result = self.run_cli(*self.caller("alice"), "jobs", "list")
        self.assert_one_error_line(result, 3, self.server.address, "--tls-ca FILE")
        watcher.until_epoch(watcher.epochs()[-1] + 2)
        self.run_json(*self.caller("alice", authority=self.theirs), "jobs", "cancel", "long")
        self.assertEqual(watcher.finish(), 1)
        self.assertEqual(watcher.objects[-1]["state"], "CANCELLED")
        self.assert_no_gap(watcher)
        self.assertNotIn("connection was lost", watcher.error_text())

    def test_a_bad_certificate_is_refused_and_the_old_one_goes_on(self):
        expired = self.theirs.issue("expired", days=-1)
        bad = {"no certificate": (Identity(self.tokens_file, self.their_server.key), "--tls-cert"),
               "another's key": (Identity(self.their_server.certificate, self.our_server.key), "--tls-key"),
               "expired": (expired, "expired")}
        for what, (identity, part) in bad.items():
            with self.subTest(what):
                self.install(identity)
                self.assert_not_reloaded("certificates", part)
                self.assert_let_in("alice")
        self.install(self.their_server)
        self.assert_reloaded()
        self.assert_let_in("alice", authority=self.theirs)

    def test_a_bad_tokens_file_is_refused_and_the_old_tokens_go_on(self):
        self.write_tokens(b"alice submitter\n")
        self.install(self.their_server)
        self.assert_not_reloaded("tokens", self.tokens_file + ":1")
        # The certificate is good, and is taken.
        self.assert_let_in("alice", authority=self.theirs)


class AuditTest(SecuredTest):
    log_options = ["--log-format", "json", "--log-level", "error"]

    def logged(self, begin=0):
        return [json.loads(line) for line in self.server.log_from(begin).splitlines()]

    def test_each_mutating_call_leaves_a_line(self):
        begin = self.server.log_size()
        expected = []

        def call(name, *arguments, exit_code=0):
            credentials = self.caller(name or "nobody")[:None if name else -2]
            result = self.run_cli(*credentials, "--json", *arguments)
            self.assertEqual(result.returncode, exit_code, result.stderr)
            return [json.loads(line) for line in result.stdout.splitlines()]

        def expect(method, who, role, target, code="OK", **more):
            expected.append({"method": method, "who": who, "role": role, "target": target, "code": code, **more})

        def train(model, *more):
            return ["train", "--dataset", "demo", "--name", model, *TINY, *more]

        prepared = call("alice", "datasets", "prepare", synthesize(self.path("demo.csv")), "--name", "demo")[0]["id"]
        expect("PrepareDataset", "alice", "submitter", "demo", job_id=prepared)
        trained = call("alice", *train("model", "--num-epochs", "1"))[0]["id"]
        expect("StartTraining", "alice", "submitter", "model", job_id=trained)
        call("alice", *train("ghost", "--validate-only"))
        expect("StartTraining", "alice", "submitter", "ghost")
        call("vic", *train("no"), exit_code=1)
        expect("StartTraining", "vic", "viewer", "no", "PERMISSION_DENIED", reason="ROLE_TOO_LOW")
        call("vic", "datasets", "prepare", self.path("demo.csv"), "--name", "no", exit_code=1)
        expect("PrepareDataset", "vic", "viewer", "", "PERMISSION_DENIED", reason="ROLE_TOO_LOW")
        call(None, *train("no"), exit_code=1)
        expect("StartTraining", "", "unknown", "no", "UNAUTHENTICATED", reason="NO_TOKEN")

        long = call("alice", *train("long", "--num-epochs", UNENDING, "--detach"))[0]["id"]
        expect("StartTraining", "alice", "submitter", "long", job_id=long)
        call("bob", "jobs", "cancel", "long", exit_code=1)
        expect("CancelJob", "bob", "submitter", long, "PERMISSION_DENIED", job_id=long, reason="NOT_YOURS")
        for command, method in (("pause", "PauseJob"), ("resume", "ResumeJob"), ("cancel", "CancelJob")):
            call("alice", "jobs", command, "long")
            expect(method, "alice", "submitter", long, job_id=long)
        call("alice", "jobs", "resume", "long", exit_code=1)
        expect("ResumeJob", "alice", "submitter", long, "FAILED_PRECONDITION", job_id=long, reason="ILLEGAL_TRANSITION")
        self.look_at_everything()

        call("root", "models", "delete", "--yes", "model")
        expect("DeleteModel", "root", "admin", "model")
        call("alice", "jobs", "delete", "--yes", trained)
        expect("DeleteJob", "alice", "submitter", trained, job_id=trained)
        call("alice", "datasets", "delete", "--yes", "demo")
        expect("DeleteDataset", "alice", "submitter", "demo")
        call("root", "server", "log-level", "error")
        expect("SetLogLevel", "root", "admin", "error")

        lines = self.logged(begin)
        own = ("method", "who", "role", "target", "code", "job_id", "reason")
        self.assertEqual([{name: line[name] for name in own if name in line} for line in lines], expected)
        self.assertEqual({(line["level"], line["message"]) for line in lines}, {("info", "audit")})
        for line in lines:
            self.assertRegex(line["time"], r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\Z")
            self.assertRegex(line["peer"], r"\Aipv4:127\.0\.0\.1:\d+\Z")
        self.assertEqual(len({line["request_id"] for line in lines} - {""}), len(lines))

    def look_at_everything(self):
        """What a viewer may do."""
        row = read_csv(self.path("demo.csv"))[0]
        pair = ["--smiles", row["compound_iso_smiles"], "--sequence", row["target_sequence"]]
        for command in (["jobs", "list"], ["jobs", "status", "model"], ["jobs", "watch", "model"],
                        ["jobs", "logs", "model"], ["jobs", "download", "model", "--output-dir", self.path("files")],
                        ["datasets", "list"], ["models", "list"], ["models", "show", "model"],
                        ["predict", "--model", "model", *pair],
                        ["predict", "--model", "model", *pair, "--explain", self.path("explanation")],
                        ["server", "status"]):
            self.run_json_as("vic", *command)

    def test_an_admin_changes_what_is_logged(self):
        def is_listing_logged():
            begin = self.server.log_size()
            self.run_json_as("vic", "jobs", "list")
            calls = [line for line in self.logged(begin) if line["message"] == "call"]
            return any(call["method"].endswith("/ListJobs") for call in calls)

        self.addCleanup(self.run_as, "root", "server", "log-level", "error")
        self.assertFalse(is_listing_logged())
        self.assert_refused(self.run_as("vic", "server", "log-level", "debug"), "ROLE_TOO_LOW", "viewer", "admin")
        self.assertFalse(is_listing_logged())
        self.assertEqual(self.run_json_as("root", "server", "log-level", "debug"),
                         [{"type": "log_level", "level": "debug", "previous_level": "error"}])
        self.assertTrue(is_listing_logged())
        self.assertEqual(self.run_json_as("vic", "server", "status")[0]["log_level"], "debug")
        self.run_json_as("root", "server", "log-level", "info")
        self.assertFalse(is_listing_logged())


class ConfigurationTest(SecuredTest):
    """What is refused before anything is started."""

    def run_unstarted(self, *arguments, metrics="127.0.0.1:0"):
        """A server that is not to start anything, and makes no data directory."""
        data_dir = self.path("unmade")
        result = run_server("--metrics-listen", metrics, "--data-dir", data_dir, *arguments)
        self.assertFalse(os.path.exists(data_dir))
        return result

    def start_server(self, name, *options):
        server = Server(self.path(name), options)
        server.address = "0.0.0.0:0"
        self.addCleanup(server.stop)
        server.start()
        self.assertRegex(server.address, r"\A0\.0\.0\.0:\d+\Z")
        return server

    def assert_answers(self, server, *options):
        port = server.address.rsplit(":", 1)[1]
        result = subprocess.run([program("deepbindnet"), "--server", f"127.0.0.1:{port}", *options, "server", "status"],
                                capture_output=True, text=True, env=ENVIRONMENT, timeout=STEP_DEADLINE)
        self.assertEqual(result.returncode, 0, result.stderr)

    def broken_files(self):
        """Options that name files which do not do -> what the error line has."""
        copy = self.path("tokens-of-all")
        shutil.copyfile(self.tokens_file, copy)
        os.chmod(copy, 0o622)
        bad_tokens = self.path("bad-tokens")
        with open(bad_tokens, "w", encoding="ascii") as file:
            file.write("alice king 00\n")
        encrypted = self.path("encrypted.key")
        openssl("ec", "-in", self.our_server.key, "-aes256", "-passout", "pass:secret", "-out", encrypted)
        expired = self.ours.issue("expired", days=-1)
        return [
            ({"--tls-key": None}, ["--tls-key", "--tls-cert"]),
            ({"--tls-cert": None, "--tls-key": None}, ["--tls-client-ca"]),
            ({"--tls-key": self.their_server.key}, ["--tls-key", self.their_server.key, self.served.certificate]),
            ({"--tls-key": self.path("nowhere")}, ["--tls-key", self.path("nowhere")]),
            ({"--tls-key": encrypted}, [encrypted, "pass phrase"]),
            ({"--tls-cert": self.directory}, ["--tls-cert", self.directory]),
            ({"--tls-cert": self.tokens_file}, ["--tls-cert", self.tokens_file, "no certificate"]),
            ({"--tls-cert": expired.certificate, "--tls-key": expired.key}, [expired.certificate, "expired"]),
            ({"--tls-client-ca": self.path("nowhere")}, ["--tls-client-ca", self.path("nowhere")]),
            ({"--tls-client-ca": self.our_server.key}, ["--tls-client-ca", self.our_server.key]),
            ({"--tokens-file": copy}, [copy, "chmod go-w"]),
            ({"--tokens-file": self.path("nowhere")}, [self.path("nowhere"), "tokens add"]),
            ({"--tokens-file": self.directory}, [self.directory]),
            ({"--tokens-file": bad_tokens}, [bad_tokens + ":1", "king"]),
            ({"--worker-binary": self.path("nowhere")}, [self.path("nowhere")]),
        ]

    def test_a_good_configuration_passes_the_check(self):
        for listen in ("127.0.0.1:0", "0.0.0.0:0"):
            result = self.run_unstarted("--check-config", "--listen", listen, *words(self.secure_options))
            self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "the configuration is good\n", ""))

    def test_files_that_do_not_do_fail_the_check(self):
        for change, parts in self.broken_files():
            with self.subTest(change):
                options = {name: value for name, value in {**self.secure_options, **change}.items() if value}
                self.assert_one_error_line(self.run_unstarted("--check-config", *words(options)), 2, *parts)

    def test_options_that_do_not_do_fail_the_check(self):
        for options, parts in ((["--listen", "nowhere"], ["--listen", "nowhere"]),
                               (["--device", "cuda:99"], ["cuda:99"]),
                               (["--slots", "0"], ["--slots"]),
                               (["--tls-crt", self.served.certificate], ["--tls-crt"])):
            with self.subTest(options):
                self.assert_one_error_line(self.run_unstarted("--check-config", *options), 2, *parts)

    def test_beyond_loopback_needs_tls_and_tokens(self):
        beyond = ["--listen", "0.0.0.0:0"]
        tls = ["--tls-cert", self.served.certificate, "--tls-key", self.served.key]
        for options in ([], tls, ["--tokens-file", self.tokens_file]):
            for check in ([], ["--check-config"]):
                with self.subTest(options + check):
                    self.assert_one_error_line(self.run_unstarted(*check, *beyond, *options), 2, "0.0.0.0:0",
                                               "--tls-cert", "--tokens-file", "--insecure")
        result = self.run_unstarted(*words(self.secure_options), metrics="0.0.0.0:0")
        self.assert_one_error_line(result, 2, "--metrics-listen", "--insecure-metrics")

    def test_beyond_loopback_starts_with_tls_and_tokens(self):
        server = self.start_server("guarded", *words(self.secure_options))
        self.assert_answers(server, *self.caller("vic"))

    def test_beyond_loopback_starts_with_insecure(self):
        self.assert_answers(self.start_server("open", "--insecure"))


if __name__ == "__main__":
    unittest.main()
