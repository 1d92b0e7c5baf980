"""A server under a stream of work, killed at random moments, and its workers, too: what was accepted is done, once.

usage: chaos_test.py                 environment: CHAOS_KILLS (50) of the server and as many of workers, CHAOS_SEED (1)

Submitters, watchers and a predictor keep a server busy that is killed with SIGKILL again and again. Afterwards every
accepted job has ended well, exists once, and has told each epoch once; every watcher has seen its jobs' journals without
gap or repeat; every model is, tensor by tensor and bit by bit, that of an undisturbed run. Prints the counts.
"""

import collections
import os
import random
import signal
import sys
import threading
import time
import unittest
import uuid

import grpc

from harness import JOB_DEADLINE, STEP_DEADLINE, ServerTest, generate_stubs, read_csv, tensors_of, wait_until

KILLS = int(os.environ.get("CHAOS_KILLS", "50"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
WATCHERS = 20
KINDS_OF_RUN = 4  # Distinct trainings; each has an undisturbed twin.
EPOCHS = 16
UNFINISHED_AT_ONCE = 4  # Jobs that the submitter keeps in the queue or running.
# Seconds between two kills. Now and then there is hardly any, so that a server dies while it starts or recovers.
SHORTEST_PAUSE, LONGEST_PAUSE = 0.05, 3.0

# What gRPC says of a connection that breaks.
BROKEN = (grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN, grpc.StatusCode.INTERNAL)


def is_passing(error):
    """What a server that dies or comes back may answer; one that gives a reason has answered."""
    gives_reason = "grpc-status-details-bin" in dict(error.trailing_metadata() or ())
    return error.code() == grpc.StatusCode.UNAVAILABLE or (error.code() in BROKEN and not gives_reason)


class Client:
    """A stub whose calls go on until a server answers."""

    def __init__(self, test, address):
        from deepbindnet.v1 import deepbindnet_pb2, deepbindnet_pb2_grpc
        self.pb = deepbindnet_pb2
        options = [("grpc.enable_http_proxy", 0), ("grpc.initial_reconnect_backoff_ms", 50),
                   ("grpc.min_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200)]
        self.channel = grpc.insecure_channel(address, options=options)
        test.addCleanup(self.channel.close)
        self.stub = deepbindnet_pb2_grpc.DeepBindNetStub(self.channel)

    def call(self, method, request):
        end = time.monotonic() + JOB_DEADLINE
        while True:
            try:
                return getattr(self.stub, method)(request, timeout=STEP_DEADLINE)
            except grpc.RpcError as error:
                if not is_passing(error) or time.monotonic() > end:
                    raise
                time.sleep(0.05)


class Watcher(threading.Thread):
    """Follows one job after the other, each from its first event to its end, and comes back wherever it is cut off."""

    def __init__(self, test, number):
        super().__init__(daemon=True)
        self.test = test
        self.random = random.Random(f"{SEED} watcher {number}")
        self.client = Client(test, test.server.address)
        self.events = {}  # By job id.
        self.reconnects = 0
        self.wrong = []

    def run(self):
        while not self.test.watching_is_over.is_set():
            job = self.test.some_accepted_job(self.random)
            if job is None or job in self.events:
                time.sleep(0.05)
                continue
            self.follow(job)

    def follow(self, job):
        seen = self.events[job] = []
        while True:
            request = self.client.pb.WatchJobRequest(job=job, from_sequence=len(seen) + 1)
            try:
                for event in self.client.stub.WatchJob(request):
                    if event.WhichOneof("event") == "progress":
                        continue
                    if event.sequence != len(seen) + 1:
                        self.wrong.append(f"{job}: {event.sequence} after {len(seen)}")
                        return
                    seen.append(event.SerializeToString())
                return
            except grpc.RpcError as error:
                if not is_passing(error):
                    self.wrong.append(f"{job}: {error}")
                    return
                self.reconnects += 1
                time.sleep(self.random.uniform(0, 0.2))


class ChaosTest(ServerTest):
    server_options = ["--slots", "2", "--max-streams-per-client", "1000"]

    def setUp(self):
        generate_stubs(self.directory)
        sys.path.insert(0, self.directory)
        self.lock = threading.Lock()
        self.accepted = {}  # Request id -> (job id, kind of run); guarded by the lock.
        self.unexpected = []
        self.counts = collections.Counter()
        self.submitting_is_over = threading.Event()
        self.watching_is_over = threading.Event()
        self.client = Client(self, self.server.address)

    def training(self, model, kind, request_id=""):
        pb = self.client.pb
        options = {"hidden_dim": 16, "feature_dim": 32, "fusion_heads": 2, "batch_size": 64, "patience": 0,
                   "num_epochs": EPOCHS, "seed": 100 + kind, "keep_checkpoints": 1}
        return pb.StartTrainingRequest(spec={"model": model, "dataset": "demo", "options": options},
                                       request_id=request_id, max_restarts=100)

    def some_accepted_job(self, source):
        with self.lock:
            jobs = sorted(job for job, _ in self.accepted.values())
        return source.choice(jobs) if jobs else None

    def unfinished(self):
        request = self.client.pb.ListJobsRequest(states=["QUEUED", "RUNNING"], page_size=100)
        return len(self.client.call("ListJobs", request).jobs)

    def submit_all_the_time(self):
        source = random.Random(f"{SEED} submitter")
        client = Client(self, self.server.address)
        number = 0
        while not self.submitting_is_over.is_set():
            if self.unfinished() >= UNFINISHED_AT_ONCE:
                time.sleep(0.1)
                continue
            number += 1
            kind = source.randrange(KINDS_OF_RUN)
            request_id = str(uuid.UUID(int=source.getrandbits(128)))
            request = self.training(f"chaos-{number}", kind, request_id)
            job = client.call("StartTraining", request)
            with self.lock:
                self.accepted[request_id] = (job.id, kind)
            # Somebody whose answer got lost asks again.
            if source.random() < 0.5 and client.call("StartTraining", request).id != job.id:
                self.unexpected.append(f"request {request_id} made a second job")

    def predict_all_the_time(self, expected, request):
        client = Client(self, self.server.address)
        while not self.submitting_is_over.is_set():
            try:
                [prediction] = client.stub.Predict(request, timeout=STEP_DEADLINE).predictions
            except grpc.RpcError as error:
                self.counts["predictions refused"] += 1
                if not is_passing(error):
                    self.unexpected.append(str(error))
                time.sleep(0.05)
                continue
            self.counts["predictions"] += 1
            if prediction.value != expected:
                self.unexpected.append(f"predicted {prediction.value}, not {expected}")
            time.sleep(0.01)

    def kill_server(self):
        self.server.kill()
        wait_until(lambda: not self.server.workers(), "a killed server's workers stop")
        self.server.start()

    def kill_a_worker(self, source):
        """False where there is none now."""
        workers = self.server.workers()
        if not workers:
            return False
        try:
            os.kill(source.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def make_chaos(self):
        source = random.Random(f"{SEED} killer")
        victims = ["server"] * KILLS + ["worker"] * KILLS
        source.shuffle(victims)
        for victim in victims:
            time.sleep(SHORTEST_PAUSE + (LONGEST_PAUSE - SHORTEST_PAUSE) * source.random() ** 2)
            if victim == "server":
                self.kill_server()
            else:
                wait_until(lambda: self.kill_a_worker(source), "there is a worker to kill")
            self.counts[f"{victim} kills"] += 1

    def train_undisturbed(self):
        """Models and their tensors, by kind of run."""
        jobs = [self.client.call("StartTraining", self.training(f"undisturbed-{kind}", kind))
                for kind in range(KINDS_OF_RUN)]
        for job in jobs:
            self.await_end(job.id)
        return [self.model_tensors(f"undisturbed-{kind}") for kind in range(KINDS_OF_RUN)]

    def await_end(self, job):
        def ended():
            found = self.client.call("GetStatus", self.client.pb.GetStatusRequest(job=job))
            return found if found.HasField("end_time") else None
        found = wait_until(ended, f"job {job} ends", deadline=JOB_DEADLINE)
        self.assertTrue(found.HasField("result"), found)
        return found

    def model_tensors(self, model):
        return tensors_of(os.path.join(self.server.data_dir, "models", model, "best_model.pt"))

    def all_jobs(self):
        jobs, token = [], ""
        while True:
            page = self.client.call("ListJobs", self.client.pb.ListJobsRequest(
                page_size=100, page_token=token, name_prefix="chaos-"))
            jobs.extend(page.jobs)
            token = page.next_page_token
            if not token:
                return jobs

    def journal(self, job):
        events = self.client.stub.WatchJob(self.client.pb.WatchJobRequest(job=job), timeout=STEP_DEADLINE)
        return [event for event in events if event.WhichOneof("event") != "progress"]

    def test_nothing_accepted_is_lost_and_nothing_is_done_twice(self):
        row = read_csv(self.csv)[0]
        undisturbed = self.train_undisturbed()
        request = self.client.pb.PredictRequest(model="undisturbed-0", smiles=[row["compound_iso_smiles"]],
                                                sequences=[row["target_sequence"]], pairs=[{"drug": 0, "target": 0}])
        expected = self.client.call("Predict", request).predictions[0].value

        watchers = [Watcher(self, number) for number in range(WATCHERS)]
        workers = [threading.Thread(target=self.submit_all_the_time, daemon=True),
                   threading.Thread(target=self.predict_all_the_time, args=(expected, request), daemon=True)]
        for thread in [*watchers, *workers]:
            thread.start()
        self.make_chaos()
        self.submitting_is_over.set()
        for thread in workers:
            thread.join(JOB_DEADLINE)
            self.assertFalse(thread.is_alive())
        jobs = {job: self.await_end(job) for job, _ in self.accepted.values()}
        self.watching_is_over.set()
        for watcher in watchers:
            watcher.join(JOB_DEADLINE)
            self.assertFalse(watcher.is_alive())

        stored = collections.Counter(job.request_id for job in self.all_jobs())
        lost = [request_id for request_id in self.accepted if stored[request_id] == 0]
        duplicated = [request_id for request_id, count in stored.items()
                      if count > 1 or request_id not in self.accepted]
        journals = {job: self.journal(job) for job in jobs}
        told_wrongly = [job for job, events in journals.items()
                        if [event.epoch.epoch for event in events if event.HasField("epoch")]
                        != list(range(1, EPOCHS + 1))
                        or [event.sequence for event in events] != list(range(1, jobs[job].last_sequence + 1))]
        wrong = [text for watcher in watchers for text in watcher.wrong]
        wrong += [f"{job}: another journal" for watcher in watchers for job, events in watcher.events.items()
                  if events != [event.SerializeToString() for event in journals[job]]]
        different = [job for job, kind in self.accepted.values()
                     if self.model_tensors(jobs[job].name) != undisturbed[kind]]
        print(f"\nseed {SEED}: {self.counts['server kills']} kills of the server, {self.counts['worker kills']} of "
              f"workers; {len(jobs)} jobs accepted, {len(lost)} lost, {len(duplicated)} duplicated, "
              f"{sum(job.restarts for job in jobs.values())} restarts counted; "
              f"{sum(len(watcher.events) for watcher in watchers)} journals followed by {len(watchers)} watchers over "
              f"{sum(watcher.reconnects for watcher in watchers)} reconnects, {len(wrong)} gaps or repeats; "
              f"{len(told_wrongly)} journals with a wrong epoch; {len(different)} models differ from the undisturbed; "
              f"{self.counts['predictions']} predictions, {self.counts['predictions refused']} refused", flush=True)
        self.assertEqual((lost, duplicated, wrong, told_wrongly, different, self.unexpected), ([], [], [], [], [], []))
        self.assertGreaterEqual(len(jobs), 2)


if __name__ == "__main__":
    unittest.main()
