package import Files

/// The arrays of a NumPy `.npz` file: a ZIP archive of `.npy` files.
package enum NPZFile {
  /// - Throws: `damaged`, `unsupported`.
  package static func variables(_ file: MappedFile) throws(FormatError) -> [Variable] {
    let archive = try ZIPArchive(file)
    var variables: [Variable] = []
    for member in archive.members where member.name.hasSuffix(".npy") {
      let data = try archive.contents(member)
      let name = String(member.name.dropLast(4))
      do throws(FormatError) {
        variables.append(
          try NPYArray.variable(data, name: name, path: "\(file.path), \(member.name)"))
      } catch {
        // An array that is not read harms nobody who does not ask for it.
        guard case .unsupported(_, let found, _) = error else { throw error }
        variables.append(Variable(name: name, content: .other(found)))
      }
    }
    return variables
  }
}
