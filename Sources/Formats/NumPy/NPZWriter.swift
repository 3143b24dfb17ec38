package import Files
internal import Tensors

/// Writes arrays of floats as a NumPy `.npz` archive, not compressed.
package enum NPZWriter {
  /// The file appears when it is complete. The same arrays give the same bytes.
  ///
  /// - Precondition: all arrays together have less than 4 GB.
  package static func write(
    _ arrays: [(name: String, shape: [Int], values: [Float])], to path: String
  ) throws(SystemError) {
    let file = try ReplacementFile(path)
    var (central, offset): ([UInt8], Int) = ([], 0)
    for (name, shape, values) in arrays {
      var bytes = NPYHeader(elementType: .float32, shape: shape).bytes
      FloatBytes.appendFloat32(values.span, to: &bytes)
      let member = ZIPMember(
        name: "\(name).npy", byteCount: bytes.count, checksum: Inflate.checksum(bytes.span))
      central += member.centralHeader(at: offset)
      let header = member.localHeader
      try file.append(header)
      try file.append(bytes)
      offset += header.count + bytes.count
    }
    precondition(offset < 1 << 32, "an archive of more than 4 GB")
    try file.append(ZIPMember.end(central, at: offset, memberCount: arrays.count))
    try file.commit()
  }
}
