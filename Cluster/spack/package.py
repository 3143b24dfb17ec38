# A recipe for Spack: put this folder below packages/decaf of a repository of your own (spack repo create).
#
# Spack has no Swift toolchain: the recipe takes the one it finds on the machine (swift.org, 6.2 or newer),
# as an external package would be. Run so far: nothing but the check that this is Python; the steps are
# those of Scripts/install.
import os

from spack.package import *


class Decaf(Package):
    """DeCAF features of images on CPU clusters, and certified linear classifiers on them."""

    homepage = "https://github.com/decaf-swift/decaf"
    git = homepage + ".git"

    license("Apache-2.0")

    version("main", branch="main")

    depends_on("pkgconfig", type="build")
    depends_on("mpi")
    depends_on("openblas threads=none")
    depends_on("libjpeg-turbo")
    depends_on("libpng")
    depends_on("libwebp")
    depends_on("openssl")
    depends_on("zlib-api")

    def install(self, spec, prefix):
        swift = which("swift")
        if swift is None:
            raise InstallError("no swift in PATH: install a toolchain from swift.org, 6.2 or newer")
        # Swift's package manager keeps its caches in the home folder, which builds may not write.
        os.environ["HOME"] = self.stage.path
        if spec["mpi"].name in ("mpich", "cray-mpich", "mvapich"):
            os.environ["DECAF_MPI"] = "mpich"
        Executable("Scripts/install")(prefix)
