/// Files that `StoreExport` writes for other programs.
package enum ExportFormat: String, Sendable, CaseIterable {
  /// `label index:value …`, zeros left out, indices from 1: what SVMlight and LIBLINEAR read.
  case svmlight
  /// A header, then `row,path,label,value,…`.
  case csv
  /// One NumPy array of the rows, and a text of their labels.
  case npy
}
