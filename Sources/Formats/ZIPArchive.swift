package import Files
internal import Synchronization
internal import Tensors

/// The members of a ZIP archive in a mapped file, compressed or not.
///
/// “.ZIP File Format Specification”, PKWARE, sections 4.3 and 4.5.3: the directory at the end names
/// the members, in 64-bit numbers where an archive is large.
package struct ZIPArchive: Sendable {
  package struct Member: Sendable {
    package let name: String
    fileprivate var method: Int
    fileprivate var checksum: UInt32
    fileprivate var compressedCount: Int
    fileprivate var count: Int
    /// Of the member's own header.
    fileprivate var offset: Int
  }

  package let file: MappedFile
  package let members: [Member]

  /// More than deflate can make of so many bytes, whatever the directory says (zlib's “Technical
  /// Details”: 1032 to 1).
  private static let largestExpansion = 1032

  /// - Throws: `FormatError.damaged` when the directory is not there or contradicts itself.
  package init(_ file: MappedFile) throws(FormatError) {
    self.file = file
    do throws(ProblemError) { members = try Self.directory(ByteSource(file)) } catch {
      throw .damaged(path: file.path, problem: error.text)
    }
  }

  private static func directory(_ source: ByteSource) throws(ProblemError) -> [Member] {
    var (offset, memberCount) = try directoryStart(source)
    var members: [Member] = []
    // Members that share their bytes would expand to more than the file can hold.
    var unclaimed = max(0, offset)
    guard memberCount >= 0, memberCount <= source.count / 46 else {
      throw ProblemError("its directory has \(memberCount) members, more than there is room for")
    }
    while memberCount > 0 {
      let (member, byteCount) = try entry(at: offset, source)
      guard member.compressedCount >= 0, member.compressedCount <= unclaimed else {
        throw ProblemError("its members take more bytes than are before the directory")
      }
      unclaimed -= member.compressedCount
      members.append(member)
      offset += byteCount
      memberCount -= 1
    }
    return members
  }

  private static func directoryStart(
    _ source: ByteSource
  ) throws(ProblemError) -> (offset: Int, memberCount: Int) {
    let endCount = 22
    let broken = ProblemError("it has no directory at its end, as if it were cut short")
    guard source.count >= endCount else { throw broken }
    // The end of the directory is the last thing but for a comment.
    let start = max(0, source.count - endCount - 0xffff)
    let tail = source.bytes(start..<source.count)
    guard
      let found = (0...tail.count - endCount).last(where: {
        tail[$0] == 0x50 && tail[$0 + 1] == 0x4b && tail[$0 + 2] == 5 && tail[$0 + 3] == 6
      })
    else { throw broken }
    let end = start + found
    // A locator of 20 bytes before it leads to the numbers of a large archive.
    if end >= 20, source.integer(at: end - 20, byteCount: 4) == 0x0706_4b50 {
      let large = source.integer(at: end - 12, byteCount: 8)
      guard large >= 0, large <= source.count - 56,
        source.integer(at: large, byteCount: 4) == 0x0606_4b50
      else { throw broken }
      return (
        source.integer(at: large + 48, byteCount: 8), source.integer(at: large + 32, byteCount: 8)
      )
    }
    return (source.integer(at: end + 16, byteCount: 4), source.integer(at: end + 10, byteCount: 2))
  }

  private static func entry(
    at offset: Int, _ source: ByteSource
  ) throws(ProblemError) -> (member: Member, byteCount: Int) {
    guard offset >= 0, offset <= source.count - 46,
      source.integer(at: offset, byteCount: 4) == 0x0201_4b50
    else { throw ProblemError("its directory is damaged at byte \(offset)") }
    let lengths = [28, 30, 32].map { source.integer(at: offset + $0, byteCount: 2) }
    guard source.count - offset - 46 >= lengths[0] + lengths[1] else {
      throw ProblemError("its directory is cut short")
    }
    let name = source.bytes(offset + 46..<offset + 46 + lengths[0])
    var member = Member(
      name: String(decoding: name, as: UTF8.self),
      method: source.integer(at: offset + 10, byteCount: 2),
      checksum: UInt32(source.integer(at: offset + 16, byteCount: 4)),
      compressedCount: source.integer(at: offset + 20, byteCount: 4),
      count: source.integer(at: offset + 24, byteCount: 4),
      offset: source.integer(at: offset + 42, byteCount: 4))
    let extra = offset + 46 + lengths[0]
    widen(&member, source[extra..<extra + lengths[1]])
    return (member, 46 + lengths.reduce(0, +))
  }

  /// Takes the 64-bit numbers from the extra fields, in place of those that are all ones.
  private static func widen(_ member: inout Member, _ extra: ByteSource) {
    var offset = 0
    while offset + 4 <= extra.count {
      let end = offset + 4 + extra.integer(at: offset + 2, byteCount: 2)
      guard end <= extra.count else { return }
      if extra.integer(at: offset, byteCount: 2) == 1 {
        var position = offset + 4
        for field in [\Member.count, \.compressedCount, \.offset]
        where member[keyPath: field] == 0xffff_ffff && position + 8 <= end {
          member[keyPath: field] = extra.integer(at: position, byteCount: 8)
          position += 8
        }
      }
      offset = end
    }
  }

  /// The bytes of a member, checked: a part of the file, or, of one that is compressed, a copy.
  ///
  /// - Throws: `FormatError.damaged`.
  package func contents(_ member: Member) throws(FormatError) -> ByteSource {
    do throws(ProblemError) { return try checkedContents(member) } catch {
      throw .damaged(path: file.path, problem: "\(member.name): \(error.text)")
    }
  }

  /// The bytes of a member, checked, as a part of a mapped file: of this one, or, of a member that is
  /// compressed, of one in memory.
  ///
  /// - Throws: `FormatError.damaged`.
  package func mapped(
    _ member: Member
  ) throws(FormatError) -> (file: MappedFile, range: Range<Int>) {
    do throws(ProblemError) {
      let (stored, isCompressed) = try place(of: member)
      guard isCompressed else {
        try check(ByteSource(file)[stored], of: member)
        return (file, stored)
      }
      let expanded = try Self.inflating { () throws(InflateError) in
        try MappedFile(expanding: stored, of: file, .raw, limit: member.count)
      }
      try check(ByteSource(expanded), of: member)
      return (expanded, 0..<expanded.byteCount)
    } catch {
      throw .damaged(path: file.path, problem: "\(member.name): \(error.text)")
    }
  }

  /// As above, of several members, which threads share out; compressed ones take their time.
  ///
  /// - Throws: `FormatError.damaged` for the first that is.
  package func mapped(
    _ members: [Member]
  ) throws(FormatError) -> [(file: MappedFile, range: Range<Int>)] {
    let results = Mutex([Int: Result<(file: MappedFile, range: Range<Int>), FormatError>]())
    // The largest first, so that no thread is left with it at the end.
    let order = members.indices.sorted { members[$0].count > members[$1].count }
    let team = ThreadTeam(threadCount: max(1, min(Self.mostThreads, members.count)))
    team.forEach(order.count) { place, _ in
      let result = Result { () throws(FormatError) in try mapped(members[order[place]]) }
      results.withLock { $0[order[place]] = result }
    }
    let found = results.withLock { $0 }
    return try members.indices.map { number throws(FormatError) in try found[number]!.get() }
  }

  /// Threads that expand members: more would wait for memory.
  private static let mostThreads = 4

  private func checkedContents(_ member: Member) throws(ProblemError) -> ByteSource {
    let (stored, isCompressed) = try place(of: member)
    let data =
      isCompressed
      ? ByteSource(
        try Self.inflating { () throws(InflateError) in
          try Inflate.bytes(of: file, stored, .raw, limit: member.count)
        }) : ByteSource(file)[stored]
    try check(data, of: member)
    return data
  }

  private static func inflating<R>(
    _ expand: () throws(InflateError) -> R
  ) throws(ProblemError) -> R {
    do throws(InflateError) { return try expand() } catch {
      throw ProblemError(error.description)
    }
  }

  private func check(_ data: ByteSource, of member: Member) throws(ProblemError) {
    guard data.count == member.count, data.withSpan({ Inflate.checksum($0) }) == member.checksum
    else { throw ProblemError("its length or checksum is not that of the directory") }
  }

  /// Where a member's bytes are as the archive has them.
  private func place(
    of member: Member
  ) throws(ProblemError) -> (stored: Range<Int>, isCompressed: Bool) {
    let source = ByteSource(file)
    guard member.offset >= 0, member.offset <= source.count - 30,
      source.integer(at: member.offset, byteCount: 4) == 0x0403_4b50
    else { throw ProblemError("its header is not where the directory says") }
    let start =
      member.offset + 30 + source.integer(at: member.offset + 26, byteCount: 2)
      + source.integer(at: member.offset + 28, byteCount: 2)
    guard member.compressedCount >= 0, start <= source.count,
      source.count - start >= member.compressedCount
    else { throw ProblemError("it is cut short") }
    let stored = start..<start + member.compressedCount
    switch member.method {
    case 0: return (stored, false)
    case 8:
      guard member.count >= 0, member.count / Self.largestExpansion <= stored.count else {
        throw ProblemError("it claims to expand to \(member.count) bytes")
      }
      return (stored, true)
    default: throw ProblemError("compression method \(member.method) is not known")
    }
  }
}
