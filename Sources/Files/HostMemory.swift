/// How much memory this process may still take.
package enum HostMemory {
  /// Bytes that are free or can be freed: those of the machine, or of the control group that this
  /// process is in, whichever are fewer; nil where the system does not tell.
  ///
  /// A batch system gives its jobs a part of the machine by control groups (version 2: `memory.max`,
  /// version 1: `memory.limit_in_bytes`), and ends those that take more.
  package static var availableByteCount: Int? {
    var counts: [Int] = []
    if let text = contents(of: "/proc/meminfo"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("MemAvailable:") }),
      let kilobytes = line.split(separator: " ").dropFirst().first.flatMap({ Int($0) })
    {
      counts.append(kilobytes << 10)
    }
    counts += groupFolders.compactMap { folder in
      left(folder, limit: "memory.max", use: "memory.current")
        ?? left(folder, limit: "memory.limit_in_bytes", use: "memory.usage_in_bytes")
    }
    return counts.min()
  }

  /// Bytes of this process that are neither mapped files nor shared: what one more like it takes.
  package static var ownByteCount: Int? {
    guard let text = contents(of: "/proc/self/status"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("RssAnon:") })
    else { return nil }
    return line.split(whereSeparator: { $0 == " " || $0 == "\t" }).dropFirst().first
      .flatMap { Int($0) }.map { $0 << 10 }
  }

  /// The folders of this process's control group, where it shows, and of the group's root: in a
  /// container only the latter is there. See cgroups(7).
  private static var groupFolders: [String] {
    let lines = contents(of: "/proc/self/cgroup")?.split(separator: "\n") ?? []
    let own = lines.compactMap { line -> String? in
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { return nil }
      if parts[1].isEmpty { return "/sys/fs/cgroup\(parts[2])" }
      return parts[1].split(separator: ",").contains("memory")
        ? "/sys/fs/cgroup/memory\(parts[2])" : nil
    }
    return own + ["/sys/fs/cgroup", "/sys/fs/cgroup/memory"]
  }

  private static func left(_ folder: String, limit: String, use: String) -> Int? {
    guard let limit = number("\(folder)/\(limit)"), let use = number("\(folder)/\(use)")
    else { return nil }
    // Version 1 says "no limit" by a number near the largest.
    return limit < 1 << 60 ? max(0, limit - use) : nil
  }

  private static func number(_ path: String) -> Int? {
    contents(of: path).flatMap { Int($0.prefix { $0 != "\n" }) }
  }

  /// A small file of the system, whose size is not told beforehand.
  private static func contents(of path: String) -> String? {
    guard let bytes = try? PositionedFile(path, .read).read(1 << 16, at: 0) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}
