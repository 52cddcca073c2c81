"""The small C programs beside the scripts, built when they are needed."""
import pathlib
import shutil

from measure import Failed, run

HERE = pathlib.Path(__file__).resolve().parent


def build(source, target, *arguments):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not compiler:
        raise Failed(f"there is no C compiler to build {source} with: apt-get install gcc")
    run([compiler, "-O2", *(["-shared", "-fPIC"] if target.suffix == ".so" else []), HERE / source, "-o", target, *arguments])
    return target
