internal import CMappings

/// How the C library gets memory from the system for arrays.
package enum HeapPages {
  /// Prepares for arrays of megabytes that come and go, as those of training.
  ///
  /// By itself the C library maps each of them anew and gives it back, and the system clears it page by
  /// page, of 4 KiB each, when it is first written: a tenth of the time of a small training. Here memory
  /// that was given back serves again, and the first 96 MiB of it come in pages of 2 MiB, where the
  /// system has such; only those that are written count as the process's.
  package static func prepareForLargeArrays() { decaf_prepare_heap() }
}
