"""Reads what docs/formats/explanation.md describes, knowing the page and nothing of the programs."""

import json
import math
import os
import xml.etree.ElementTree

SVG = "{http://www.w3.org/2000/svg}"


def expect(condition, what):
    if not condition:
        raise AssertionError(what)


def expect_keys(item, keys, what):
    expect(list(item) == keys, f"{what} has the keys {list(item)}, not {keys}")


def is_number(value):
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)


def expect_shares(values, what):
    expect(all(is_number(value) and 0 <= value <= 1 for value in values), f"{what}: {values}")
    expect(abs(sum(values) - 1) < 1e-3, f"{what} sums to {sum(values)}")


def check_side(items, detail, gated, what):
    expect(items, f"no {what}")
    expect([item["index"] for item in items] == list(range(len(items))), f"indices of {what}")
    for key in ("importance", "largest_share"):
        expect_shares([item[key] for item in items], f"{key} of {what}")
    if detail == "summary":
        return
    layers = len(items[0]["layers"])
    expect(layers >= 1, f"{what} have no layer")
    for number in range(layers):
        column = [item["layers"][number] for item in items]
        for layer in column:
            expect_keys(layer, ["attention", "gate"] + ["head_attention"] * (detail == "heads"), f"layer of {what}")
            expect(0 < layer["gate"] < 1 if gated else layer["gate"] == 1, f"gate {layer['gate']} of {what}")
        expect_shares([layer["attention"] for layer in column], f"attention of {what}")
        if detail == "heads":
            for head in range(len(column[0]["head_attention"])):
                expect_shares([layer["head_attention"][head] for layer in column], f"head {head} of {what}")
    expect({len(item["layers"]) for item in items} == {layers}, f"layers of {what}")


def check_json(text, detail="layers"):
    """Fails where `text` is not as the page says; returns the object."""
    expect(text.isascii() and "\n" not in text, "not one line of ASCII")
    explanation = json.loads(text)
    expect_keys(explanation, ["format_version", "note", "model_type", "model_digest", "predicted_affinity",
                              "prior_affinity", "affinity_unit", "affinity_direction", "canonical_smiles", "sequence",
                              "residues_per_token", "atoms", "spans", "residues"], "the explanation")
    expect(explanation["format_version"] == 1, "version")
    expect("do not prove" in explanation["note"], "note")
    expect(len(explanation["model_digest"]) == 64, "digest")
    expect(is_number(explanation["predicted_affinity"]), "prediction")
    expect(explanation["prior_affinity"] is None or is_number(explanation["prior_affinity"]), "prior")
    layers = [] if detail == "summary" else ["layers"]
    for atom in explanation["atoms"]:
        expect_keys(atom, ["index", "element", "importance", "largest_share"] + layers, "an atom")
    for span in explanation["spans"]:
        expect_keys(span, ["index", "first_residue", "last_residue", "importance", "largest_share"] + layers, "a span")
    gated = explanation["model_type"] == "gated"
    check_side(explanation["atoms"], detail, gated, "atoms")
    check_side(explanation["spans"], detail, gated, "spans")

    sequence, width = explanation["sequence"], explanation["residues_per_token"]
    expect(explanation["residues"] == [{"position": i + 1, "residue": letter, "span": i // width}
                                       for i, letter in enumerate(sequence)], "residues")
    expect([(span["first_residue"], span["last_residue"]) for span in explanation["spans"]] ==
           [(first + 1, min(first + width, len(sequence))) for first in range(0, len(sequence), width)], "spans")
    return explanation


def check_svg(text, atoms):
    """Fails where `text` is no drawing of `atoms` atoms that stands alone."""
    root = xml.etree.ElementTree.fromstring(text.encode())
    expect(root.tag == SVG + "svg", root.tag)
    discs = {disc.get("class") for disc in root.iter(SVG + "ellipse")}
    expect(discs == {f"atom-{i}" for i in range(atoms)}, f"discs {discs}")
    expect(not any("href" in name for item in root.iter() for name in item.attrib), "refers to another file")
    expect(not list(root.iter(SVG + "script")), "runs a script")
    expect(len([text for text in root.iter(SVG + "text")]) == 3, "title and range")


def check_files(directory, row, detail="layers"):
    """Checks both files of a row; returns the JSON's object."""
    with open(os.path.join(directory, f"row-{row}.json"), encoding="utf-8") as file:
        text = file.read()
    expect(text.endswith("\n"), "no line break at the end")
    explanation = check_json(text[:-1], detail)
    with open(os.path.join(directory, f"row-{row}.svg"), encoding="utf-8") as file:
        check_svg(file.read(), len(explanation["atoms"]))
    return explanation
