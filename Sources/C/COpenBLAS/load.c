#include "copenblas.h"

#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>

static const char *failure;

static void *function(void *library, const char *name) {
  void *address = dlsym(library, name);
  if (!address) failure = "libopenblas.so.0 lacks a LAPACK function; install Debian's libopenblas0";
  return address;
}

const decaf_openblas *decaf_load_openblas(const char **problem) {
  static decaf_openblas table;
  static int is_loaded;
  if (!is_loaded) {
    // Read once, by the library's constructor; children of this process get what they had before.
    const char *name = "OPENBLAS_NUM_THREADS";
    const char *value = getenv(name);
    char *old = value ? strdup(value) : 0;
    setenv(name, "1", 1);
    void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
    if (old) {
      setenv(name, old, 1);
      free(old);
    } else {
      unsetenv(name);
    }
    if (!library) {
      failure = "cannot load libopenblas.so.0; install Debian's libopenblas0";
    } else {
      failure = 0;
      // POSIX (dlsym, 2017) wants a function's address to fit in a pointer to an object.
      *(void **)&table.dsyevr = function(library, "dsyevr_");
      *(void **)&table.dgesdd = function(library, "dgesdd_");
      *(void **)&table.corename = function(library, "openblas_get_corename");
      *(void **)&table.config = function(library, "openblas_get_config");
    }
    is_loaded = 1;
  }
  *problem = failure;
  return failure ? 0 : &table;
}
