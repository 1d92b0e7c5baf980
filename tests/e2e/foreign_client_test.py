"""A client of another make: Python's grpcio with stubs generated from the published .proto files."""

import sys
import unittest

import grpc

from explanation_format import check_json, check_svg
from harness import JOB_DEADLINE, STEP_DEADLINE, TINY, ServerTest, generate_stubs, read_csv

class ReflectedService:
    """A service that is known by the descriptions which the server's reflection gives, and by nothing else of ours."""

    def __init__(self, channel, name):
        import reflection_pb2
        import reflection_pb2_grpc
        from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        [answer] = stub.ServerReflectionInfo(
            iter([reflection_pb2.ServerReflectionRequest(file_containing_symbol=name)]), timeout=STEP_DEADLINE)
        files = {}
        for data in answer.file_descriptor_response.file_descriptor_proto:
            file = descriptor_pb2.FileDescriptorProto.FromString(data)
            files[file.name] = file
        pool = descriptor_pool.DescriptorPool()

        def add(file):
            for dependency in file.dependency:
                if dependency in files:
                    add(files.pop(dependency))
            pool.Add(file)

        while files:
            add(files.pop(next(iter(files))))
        self.channel = channel
        self.service = pool.FindServiceByName(name)
        self.factory = message_factory.MessageFactory(pool)

    def call(self, method_name, **fields):
        """The answers to one request."""
        method = self.service.methods_by_name[method_name]
        request = self.factory.GetPrototype(method.input_type)
        response = self.factory.GetPrototype(method.output_type)
        call = self.channel.unary_stream(f"/{self.service.full_name}/{method_name}",
                                         request_serializer=request.SerializeToString,
                                         response_deserializer=response.FromString)
        return list(call(request(**fields), timeout=JOB_DEADLINE))

    @staticmethod
    def name_of(message, field):
        return message.DESCRIPTOR.fields_by_name[field].enum_type.values_by_number[getattr(message, field)].name


class ForeignClientTest(ServerTest):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        generate_stubs(cls.directory)
        sys.path.insert(0, cls.directory)
        cls.run_json("train", "--dataset", "demo", "--name", "model", "--num-epochs", "1", *TINY)
        cls.channel = grpc.insecure_channel(cls.server.address, options=[("grpc.enable_http_proxy", 0)])
        cls.addClassCleanup(cls.channel.close)
        from deepbindnet.v1 import deepbindnet_pb2, deepbindnet_pb2_grpc
        cls.pb = deepbindnet_pb2
        cls.stub = deepbindnet_pb2_grpc.DeepBindNetStub(cls.channel)
        row = read_csv(cls.csv)[0]
        cls.smiles, cls.sequence = row["compound_iso_smiles"], row["target_sequence"]

    def test_health_is_serving(self):
        import health_pb2
        import health_pb2_grpc
        stub = health_pb2_grpc.HealthStub(self.channel)
        for service in ("", "deepbindnet.v1.DeepBindNet"):
            answer = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=STEP_DEADLINE)
            self.assertEqual(answer.status, health_pb2.HealthCheckResponse.SERVING, service)

    def test_reflection_describes_the_service(self):
        import reflection_pb2
        import reflection_pb2_grpc
        from google.protobuf import descriptor_pb2
        stub = reflection_pb2_grpc.ServerReflectionStub(self.channel)
        requests = [reflection_pb2.ServerReflectionRequest(list_services="*"),
                    reflection_pb2.ServerReflectionRequest(file_containing_symbol="deepbindnet.v1.DeepBindNet")]
        services, files = list(stub.ServerReflectionInfo(iter(requests), timeout=STEP_DEADLINE))
        self.assertLessEqual({"deepbindnet.v1.DeepBindNet", "grpc.health.v1.Health"},
                             {service.name for service in services.list_services_response.service})
        described = [descriptor_pb2.FileDescriptorProto.FromString(data)
                     for data in files.file_descriptor_response.file_descriptor_proto]
        methods = {method.name for file in described for service in file.service for method in service.method}
        self.assertLessEqual({"StartTraining", "WatchJob", "Predict", "Explain", "Compare", "PredictStream"}, methods)

    def test_predict_answers_each_item(self):
        request = self.pb.PredictRequest(model="model", smiles=[self.smiles, "C1CC("], sequences=[self.sequence, "MK1"],
                                         pairs=[{"drug": 0, "target": 0}, {"drug": 1, "target": 0},
                                                {"drug": 0, "target": 1}, {"drug": 0, "target": 0}])
        response = self.stub.Predict(request, timeout=STEP_DEADLINE)
        self.assertEqual([item.error_reason for item in response.predictions],
                         ["", "INVALID_SMILES", "INVALID_SEQUENCE", ""])
        # Another place in the batch may round a float32 differently, no more.
        self.assertAlmostEqual(response.predictions[0].value, response.predictions[3].value, places=4)
        self.assertEqual(response.affinity_unit, "pKd")
        self.assertEqual(response.model, "model")
        self.assertRegex(response.model_digest, r"\A[0-9a-f]{64}\Z")

    def test_explain_answers_each_item(self):
        request = self.pb.ExplainRequest(
            input=self.pb.PredictRequest(model="model", smiles=["CC(=O)Oc1ccccc1C(=O)O", "C1CC("],
                                         sequences=[self.sequence], pairs=[{"drug": 0}, {"drug": 1}]),
            detail="HEADS", svg=True)
        response = self.stub.Explain(request, timeout=STEP_DEADLINE)
        self.assertEqual([item.error_reason for item in response.pairs], ["", "INVALID_SMILES"])
        explanation = check_json(response.pairs[0].json, "heads")
        check_svg(response.pairs[0].svg, 13)
        self.assertEqual(response.pairs[0].value, explanation["predicted_affinity"])
        self.assertEqual(response.model_digest, explanation["model_digest"])
        self.assertEqual(response.affinity_unit, "pKd")
        predicted = self.stub.Predict(request.input, timeout=STEP_DEADLINE).predictions[0].value
        self.assertAlmostEqual(response.pairs[0].value, predicted, places=4)
        self.assertRegex(self.server.scrape(), r'grpc_server_handled_total\{[^}]*grpc_method="Explain"[^}]*\} [1-9]')

    def test_explain_names_what_is_wrong(self):
        pairs = self.pb.PredictRequest(model="model", smiles=[self.smiles], sequences=[self.sequence],
                                       pairs=[{"drug": 0}] * 17)
        error, info = self.error_of(self.stub.Explain, self.pb.ExplainRequest(input=pairs))
        self.assertEqual((error.code(), info.reason), (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD"))
        self.assertIn("input.pairs: 17 entries", error.details())
        del pairs.pairs[1:]
        pairs.model = "nobody"
        error, _ = self.error_of(self.stub.Explain, self.pb.ExplainRequest(input=pairs))
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
        self.assertIn("nobody", error.details())

    def test_submit_watch_and_predict(self):
        job = self.stub.StartTraining(self.pb.StartTrainingRequest(
            spec={"model": "foreign", "dataset": "demo", "options": {"num_epochs": 2, "hidden_dim": 16,
                                                                     "fusion_heads": 2, "feature_dim": 32}}),
            timeout=STEP_DEADLINE)
        events = list(self.stub.WatchJob(self.pb.WatchJobRequest(job=job.id), timeout=JOB_DEADLINE))
        self.assertEqual([event.epoch.epoch for event in events if event.HasField("epoch")], [1, 2])
        self.assertTrue(events[-2].HasField("result") or events[-1].HasField("result"), events[-2:])
        response = self.stub.Predict(self.pb.PredictRequest(
            model="foreign", smiles=[self.smiles], sequences=[self.sequence], pairs=[{}]), timeout=STEP_DEADLINE)
        self.assertEqual(response.predictions[0].error, "")

    def test_reflection_alone_is_enough_to_submit_watch_and_predict(self):
        service = ReflectedService(self.channel, "deepbindnet.v1.DeepBindNet")
        [job] = service.call("StartTraining", spec={"model": "reflected", "dataset": "demo", "options": {
            "num_epochs": 2, "hidden_dim": 16, "fusion_heads": 2, "feature_dim": 32}})
        events = service.call("WatchJob", job=job.id)
        self.assertEqual([event.epoch.epoch for event in events if event.HasField("epoch")], [1, 2])
        [status] = service.call("GetStatus", job="reflected")
        self.assertEqual(service.name_of(status, "state"), "SUCCEEDED")
        [response] = service.call("Predict", model="reflected", smiles=[self.smiles], sequences=[self.sequence],
                                  pairs=[{}])
        self.assertEqual(response.model_digest, status.result.training.digest)
        self.assertEqual(response.predictions[0].error, "")

    def error_of(self, call, request):
        with self.assertRaises(grpc.RpcError) as raised:
            answer = call(request, timeout=STEP_DEADLINE)
            list(answer)  # A stream fails when it is read.
        from google.rpc import error_details_pb2, status_pb2
        details = dict(raised.exception.trailing_metadata()).get("grpc-status-details-bin", b"")
        infos = []
        for detail in status_pb2.Status.FromString(details).details:
            info = error_details_pb2.ErrorInfo()
            if detail.Unpack(info):
                infos.append(info)
        self.assertEqual(len(infos), 1, raised.exception)
        self.assertRegex(infos[0].reason, r"\A[A-Z][A-Z0-9_]*\Z")
        return raised.exception, infos[0]

    def test_errors_carry_their_reason(self):
        error, _ = self.error_of(self.stub.Predict, self.pb.PredictRequest(
            model="model", smiles=[self.smiles], sequences=[self.sequence], pairs=[{"drug": 1, "target": 0}]))
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        error, _ = self.error_of(self.stub.GetStatus, self.pb.GetStatusRequest(job="nothing"))
        self.assertEqual(error.code(), grpc.StatusCode.NOT_FOUND)
        self.assertIn("nothing", error.details())
        error, info = self.error_of(self.stub.StartTraining, self.pb.StartTrainingRequest(
            spec={"model": "x", "dataset": "demo", "options": {"dropout_rate": 3.0}}))
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)
        self.assertEqual(dict(info.metadata).get("field", "").split(".")[-1], "dropout_rate")

    def test_an_rpc_of_a_later_release_says_so(self):
        error, _ = self.error_of(self.stub.PromoteModel, self.pb.PromoteModelRequest(model="model"))
        self.assertEqual(error.code(), grpc.StatusCode.UNIMPLEMENTED)
        self.assertTrue(error.details())

    def test_validate_only_stores_nothing(self):
        job = self.stub.StartTraining(self.pb.StartTrainingRequest(
            spec={"model": "ghost", "dataset": "demo"}, validate_only=True), timeout=STEP_DEADLINE)
        self.assertEqual(job.id, "")
        self.assertEqual([job.name for job in self.stub.ListJobs(self.pb.ListJobsRequest()).jobs].count("ghost"), 0)

    def journal(self, job, from_sequence):
        events = self.stub.WatchJob(self.pb.WatchJobRequest(job=job.id, from_sequence=from_sequence),
                                    timeout=STEP_DEADLINE)
        return [event for event in events if event.WhichOneof("event") != "progress"]

    def test_journal_has_no_gap(self):
        jobs = {job.name: job for job in self.stub.ListJobs(self.pb.ListJobsRequest(), timeout=STEP_DEADLINE).jobs}
        for name in ("demo", "model"):
            job = jobs[name]
            journal = self.journal(job, 1)
            self.assertEqual([event.sequence for event in journal], list(range(1, job.last_sequence + 1)), name)
            kinds = {event.WhichOneof("event") for event in journal}
            self.assertLessEqual({"state_change", "result"}, kinds, name)
            # As bytes: undefined metrics are NaN, which equals nothing.
            self.assertEqual([event.SerializeToString() for event in self.journal(job, 3)],
                             [event.SerializeToString() for event in journal[2:]], name)

    def test_lists_are_paged(self):
        first = self.stub.ListJobs(self.pb.ListJobsRequest(page_size=1), timeout=STEP_DEADLINE)
        self.assertEqual(len(first.jobs), 1)
        second = self.stub.ListJobs(self.pb.ListJobsRequest(page_size=1, page_token=first.next_page_token),
                                    timeout=STEP_DEADLINE)
        self.assertNotEqual(first.jobs[0].id, second.jobs[0].id)

    def test_an_upload_with_another_digest_is_refused(self):
        def parts():
            yield self.pb.PrepareDatasetRequest(header={"spec": {"dataset": "bad"}, "size_bytes": 4, "sha256": "0" * 64})
            yield self.pb.PrepareDatasetRequest(chunk=b"a,b\n")

        error, _ = self.error_of(self.stub.PrepareDataset, parts())
        self.assertEqual(error.code(), grpc.StatusCode.INVALID_ARGUMENT)


if __name__ == "__main__":
    unittest.main()
