#!/usr/bin/env python3
"""Turns a Whisper model of CTranslate2 into the file that whisper.cpp reads: ggml_model.py MODEL.BIN HEADER.BIN OUT.BIN

MODEL.BIN is CTranslate2's (version 6, 16-bit floats). HEADER.BIN begins with the sizes, mel filters and vocabulary of the
same model, as the files models/for-tests-ggml-*.bin of whisper.cpp do. Needs Python's standard library alone.

CTranslate2 stores query, key and value of an attention one below the other. Vectors and position encodings are 32-bit
floats in ggml, matrices stay as they are.
"""

import array
import struct
import sys

# DataType of CTranslate2: its code of 16-bit floats.
FLOAT16 = 4


def read_ctranslate2(path):
    """name -> (dims, bytes) of all 16-bit tensors."""
    with open(path, "rb") as file:
        data = file.read()
    at = 0

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return values

    def text():
        nonlocal at
        (length,) = take("H")
        at += length
        return data[at - length : at].rstrip(b"\0").decode()

    (version,) = take("I")
    if version != 6 or text() != "WhisperSpec":
        sys.exit(f"{path} is no Whisper model of CTranslate2, version 6")
    _, count = take("II")
    tensors = {}
    for _ in range(count):
        name = text()
        (rank,) = take("B")
        dims = take(f"{rank}I")
        kind, size = take("BI")
        if kind == FLOAT16:
            tensors[name] = (dims, memoryview(data)[at : at + size])
        at += size
    return tensors


def read_header(path):
    """The bytes in front of the tensors, and the number of layers of encoder and decoder."""
    with open(path, "rb") as file:
        data = file.read()
    magic, *sizes = struct.unpack_from("<12i", data, 0)
    if magic != 0x67676D6C:
        sys.exit(f"{path} is no model of whisper.cpp")
    mels, bins = struct.unpack_from("<2i", data, 48)
    at = 56 + mels * bins * 4
    (words,) = struct.unpack_from("<i", data, at)
    at += 4
    for _ in range(words):
        at += 4 + struct.unpack_from("<I", data, at)[0]
    return data[:at], sizes[4], sizes[8]


def wide(half):
    """16-bit floats as 32-bit ones."""
    count = len(half) // 2
    return array.array("f", struct.unpack(f"<{count}e", half)).tobytes()


def main(model, header_path, out):
    tensors = read_ctranslate2(model)
    header, encoder_layers, decoder_layers = read_header(header_path)
    with open(out, "wb") as file:
        file.write(header)

        def put(name, dims, half, matrix):
            # ggml names the innermost dimension first.
            encoded = name.encode()
            file.write(struct.pack("<3i", len(dims), len(encoded), 1 if matrix else 0))
            file.write(struct.pack(f"<{len(dims)}i", *reversed(dims)) + encoded)
            file.write(half if matrix else wide(half))

        def copy(name, source, dims=None, matrix=None):
            own, half = tensors[source]
            put(name, dims or own, half, len(own) > 1 if matrix is None else matrix)

        def pair(name, source, weight=("weight", "bias")):
            for to, part in zip(("weight", "bias"), weight):
                copy(f"{name}.{to}", f"{source}/{part}")

        def norm(name, source):
            pair(name, f"{source}/layer_norm", ("gamma", "beta"))

        def rows(name, source, number, of, bias=True):
            """The part of that number of `of` that lie one below the other."""
            for part in ("weight", "bias")[: 2 if bias else 1]:
                dims, half = tensors[f"{source}/{part}"]
                size = len(half) // of
                put(f"{name}.{part}", (dims[0] // of, *dims[1:]), half[number * size : (number + 1) * size], len(dims) > 1)

        def attention(name, source):
            norm(f"{name}_ln", source)
            rows(f"{name}.query", f"{source}/linear_0", 0, 3)
            rows(f"{name}.key", f"{source}/linear_0", 1, 3, bias=False)
            rows(f"{name}.value", f"{source}/linear_0", 2, 3)
            pair(f"{name}.out", f"{source}/linear_1")

        def mlp(name, source):
            norm(f"{name}.mlp_ln", f"{source}/ffn")
            pair(f"{name}.mlp.0", f"{source}/ffn/linear_0")
            pair(f"{name}.mlp.2", f"{source}/ffn/linear_1")

        copy("encoder.positional_embedding", "encoder/position_encodings/encodings", matrix=False)
        for number in (1, 2):
            copy(f"encoder.conv{number}.weight", f"encoder/conv{number}/weight")
            copy(f"encoder.conv{number}.bias", f"encoder/conv{number}/bias", (*tensors[f"encoder/conv{number}/bias"][0], 1))
        pair("encoder.ln_post", "encoder/layer_norm", ("gamma", "beta"))
        for layer in range(encoder_layers):
            attention(f"encoder.blocks.{layer}.attn", f"encoder/layer_{layer}/self_attention")
            mlp(f"encoder.blocks.{layer}", f"encoder/layer_{layer}")
        copy("decoder.positional_embedding", "decoder/position_encodings/encodings", matrix=False)
        copy("decoder.token_embedding.weight", "decoder/embeddings/weight")
        pair("decoder.ln", "decoder/layer_norm", ("gamma", "beta"))
        for layer in range(decoder_layers):
            name, source = f"decoder.blocks.{layer}", f"decoder/layer_{layer}"
            attention(f"{name}.attn", f"{source}/self_attention")
            norm(f"{name}.cross_attn_ln", f"{source}/attention")
            pair(f"{name}.cross_attn.query", f"{source}/attention/linear_0")
            rows(f"{name}.cross_attn.key", f"{source}/attention/linear_1", 0, 2, bias=False)
            rows(f"{name}.cross_attn.value", f"{source}/attention/linear_1", 1, 2)
            pair(f"{name}.cross_attn.out", f"{source}/attention/linear_2")
            mlp(name, source)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
