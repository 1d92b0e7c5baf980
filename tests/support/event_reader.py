"""Reads TensorBoard event files with nothing but the standard library: TFRecords, Protocol Buffers, and what a reader
like TensorBoard makes of them. Shares no code with the writer."""

import glob
import os
import struct

# Fields of tensorboard/compat/proto and tensorboard/plugins/hparams.
WALL_TIME, STEP, FILE_VERSION, SUMMARY, SESSION_LOG = 1, 2, 3, 5, 7
TAG, SIMPLE_VALUE, HISTO, TENSOR, METADATA = 1, 2, 5, 8, 9
EXPERIMENT, SESSION_START, SESSION_END = 2, 3, 4


def _crc_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = crc >> 1 ^ (0x82F63B78 if crc & 1 else 0)
        table.append(crc)
    return table


_TABLE = _crc_table()


def masked_crc(data):
    crc = 0xFFFFFFFF
    for byte in data:
        crc = crc >> 8 ^ _TABLE[(crc ^ byte) & 0xFF]
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def records(path):
    """The whole records of a file, which may end within one; an AssertionError where a checksum is wrong."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0
    while at + 16 <= len(data):
        length, length_crc = struct.unpack_from("<QI", data, at)
        assert masked_crc(data[at:at + 8]) == length_crc, f"{path}: checksum of the length at {at}"
        if at + 16 + length > len(data):
            return
        record = data[at + 12:at + 12 + length]
        assert masked_crc(record) == struct.unpack_from("<I", data, at + 12 + length)[0], f"{path}: data at {at}"
        yield record
        at += 16 + length


def _varint(data, at):
    value, shift = 0, 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def fields(message):
    """Every field's values in order: integers, bytes, or raw 4 and 8 bytes."""
    found, at = {}, 0
    while at < len(message):
        key, at = _varint(message, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(message, at)
        else:
            size = {1: 8, 5: 4}.get(kind)
            if size is None:
                assert kind == 2, f"wire type {kind}"
                size, at = _varint(message, at)
            value, at = message[at:at + size], at + size
            assert len(value) == size, "cut off"
        found.setdefault(key >> 3, []).append(value)
    return found


def one(message, number, default=None):
    values = message.get(number, [default])
    assert len(values) == 1, f"{len(values)} values of field {number}"
    return values[0]


def double(raw):
    return struct.unpack("<d", raw)[0]


def doubles(raw):
    return [value for [value] in struct.iter_unpack("<d", raw)]


class Histogram:
    def __init__(self, raw):
        message = fields(raw)
        numbers = [double(one(message, field)) for field in range(1, 6)]
        self.min, self.max, self.num, self.sum, self.sum_squares = numbers
        self.limits, self.counts = doubles(one(message, 6)), doubles(one(message, 7))
        assert len(self.limits) == len(self.counts)


def struct_value(raw):
    """google.protobuf.Value"""
    [(kind, [value])] = fields(raw).items()
    return {2: lambda: double(value), 3: lambda: value.decode(), 4: lambda: bool(value)}[kind]()


class Run:
    """What TensorBoard shows of a directory."""

    def __init__(self, directory):
        self.files = sorted(glob.glob(os.path.join(directory, "events.out.tfevents.*")))
        self.scalars, self.histograms, self.texts = {}, {}, {}  # Tag -> [(step, value)].
        self.hparams, self.hparam_types, self.metric_tags = None, None, None
        self.session_end = None
        self.restarts = []  # Steps before which a process went on.
        self.wall_times = []
        for path in self.files:
            for number, record in enumerate(records(path)):
                self._add(fields(record), first=number == 0)

    def _add(self, event, first):
        self.wall_times.append(double(one(event, WALL_TIME)))
        step = one(event, STEP, 0)
        assert (FILE_VERSION in event) == first, "the version is the first event of a file and of no other"
        if first:
            assert one(event, FILE_VERSION) == b"brain.Event:2"
        elif SESSION_LOG in event:
            assert one(fields(one(event, SESSION_LOG)), 1) == 1, "START"
            self.restarts.append(step)
            for series in (self.scalars, self.histograms, self.texts):
                for tag in series:
                    series[tag] = [point for point in series[tag] if point[0] < step]
        else:
            for value in fields(one(event, SUMMARY))[1]:
                self._add_value(step, fields(value))

    def _add_value(self, step, value):
        tag = one(value, TAG).decode()
        if SIMPLE_VALUE in value:
            self.scalars.setdefault(tag, []).append((step, struct.unpack("<f", one(value, SIMPLE_VALUE))[0]))
        elif HISTO in value:
            self.histograms.setdefault(tag, []).append((step, Histogram(one(value, HISTO))))
        else:
            metadata, tensor = fields(one(value, METADATA)), fields(one(value, TENSOR))
            plugin = fields(one(metadata, 1))
            assert one(metadata, 4) == 2, "tensors, to the generic readers"
            assert not fields(one(tensor, 2)), "a shape without dimensions"
            if one(plugin, 1) == b"text":
                assert one(tensor, 1) == 7, "DT_STRING"
                self.texts.setdefault(tag, []).append((step, one(tensor, 8).decode()))
            else:
                assert one(plugin, 1) == b"hparams" and one(tensor, 1) == 1, plugin
                self._add_hparams(tag, fields(one(plugin, 2)))

    def _add_hparams(self, tag, content):
        assert one(content, 1) == 0, "version"
        if tag == "_hparams_/experiment":
            experiment = fields(one(content, EXPERIMENT))
            infos = [fields(info) for info in experiment[4]]
            self.hparam_types = {one(info, 1).decode(): one(info, 4) for info in infos}
            self.metric_tags = [one(fields(one(fields(info), 1)), 2).decode() for info in experiment[5]]
        elif tag == "_hparams_/session_start_info":
            entries = [fields(entry) for entry in fields(one(content, SESSION_START))[1]]
            self.hparams = {one(entry, 1).decode(): struct_value(one(entry, 2)) for entry in entries}
        else:
            assert tag == "_hparams_/session_end_info", tag
            end = fields(one(content, SESSION_END))
            self.session_end = (one(end, 1), double(one(end, 2)))
