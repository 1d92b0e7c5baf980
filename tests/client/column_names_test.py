"""The client and core find columns by the same names in the same order, though neither includes the other."""
import pathlib
import re
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]


def names(path, function):
    text = (ROOT / path).read_text(encoding="utf-8")
    body = re.search(rf"Names& {function}\(\) \{{.*?new Names\{{(.*?)\}}", text, re.DOTALL)
    return re.findall(r'"([a-z0-9]+)"', body.group(1))


class ColumnNamesTest(unittest.TestCase):
    def test_the_lists_are_in_step(self):
        for function in ("SmilesNames", "SequenceNames"):
            with self.subTest(list=function):
                core = names("core/data/columns.cc", function)
                self.assertGreater(len(core), 5)
                self.assertEqual(names("client/columns.cc", function), core)


if __name__ == "__main__":
    unittest.main()
