"""Digests of what a command wrote."""
import hashlib


def digest(outputs, printed=b""):
    """One SHA-256 over files, folders and printed text.

    Of a store everything counts but `runs`, the records of how each run went.
    """
    total = hashlib.sha256(printed)
    for output in outputs:
        if output.is_dir():
            files = [path for path in sorted(output.rglob("*"))
                     if path.is_file() and path.relative_to(output).parts[0] != "runs"]
        else:
            files = [output]
        for path in files:
            total.update(f"\n{path.relative_to(output.parent)} ".encode())
            total.update(of_file(path) if path.exists() else b"is missing")
    return total.hexdigest()


def of_file(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest().encode()
