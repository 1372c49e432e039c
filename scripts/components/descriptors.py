"""Prints the serialized FileDescriptorProto of each *_pb2.py below a folder, one base64 line a file.

Generated Python modules hold it as a bytes literal. The literal is read, the module is not run,
so Python's protobuf package is not needed.
"""

import ast
import base64
import pathlib
import sys


def serialized(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "AddSerializedFile":
            return ast.literal_eval(node.args[0])
    raise SystemExit(f"{path} holds no descriptor")


for path in sorted(pathlib.Path(sys.argv[1]).rglob("*_pb2.py")):
    print(base64.b64encode(serialized(path)).decode())
