package import Files
internal import Glibc

/// A folder of class folders as a list.
///
/// An image is a file whose name ends like one (`.jpg`, `.png`, …) at any depth; its label is the
/// name of the folder directly in the folder that holds it. Images in the folder itself come first and
/// have no label. Hidden files are left out; links are followed to files and class folders only.
package struct ClassFolders {
  /// Tab-separated `path` and `label` under a header, sorted by the bytes of class and path.
  package let canonicalText: [UInt8]
  /// Class folders without an image, by name: no class of the list.
  package let emptyClasses: [ByteString]

  /// Whether no image was found.
  package var isEmpty: Bool { canonicalText.count == Self.header.count }

  private static let header = Array("path\tlabel\n".utf8)

  /// What a user should know about the folder, in words.
  package var notes: [String] {
    if emptyClasses.isEmpty { return [] }
    let named = emptyClasses.prefix(5).map { "“\($0)”" }.joined(separator: ", ")
    let rest = emptyClasses.count > 5 ? " and \(emptyClasses.count - 5) more" : ""
    return [
      "no class, as no file in them is named like an image (.jpg, .png, …): \(named)\(rest)"
    ]
  }

  /// Lists `folder`.
  ///
  /// - Throws: `ImageListError.unreadable`, `.unlistableName` or `.equalClasses`.
  package init(_ folder: String) throws(ImageListError) {
    let root = ByteString(folder)
    var text = Self.header
    func append(_ paths: [ByteString], label: ByteString) {
      for path in paths.sorted() {
        // A line that starts with # would be a comment.
        let prefix: [UInt8] = path.bytes.first == UInt8(ascii: "#") ? Array("./".utf8) : []
        text += prefix + path.bytes + [UInt8(ascii: "\t")] + label.bytes + [.lineFeed]
      }
    }
    var emptyClasses: [ByteString] = []
    // White space around a label is none of it: two folders must not become one class by that.
    var folders: [ByteString: ByteString] = [:]
    let top = try Self.folderContents(root)
    append(top.filter(\.isImage).map(\.name), label: ByteString(""))
    for name in top.filter({ !$0.isImage }).map(\.name).sorted() {
      guard let paths = try Self.images(in: name, of: root, followingLink: true) else { continue }
      if paths.isEmpty {
        emptyClasses.append(name)
      } else if let other = folders.updateValue(name, forKey: name.trimmed) {
        throw .equalClasses(other, name, folder: folder)
      }
      append(paths, label: name)
    }
    canonicalText = text
    self.emptyClasses = emptyClasses
  }

  /// Paths from `root` of the images below `root/folder`; nil when that is not a folder.
  private static func images(
    in folder: ByteString, of root: ByteString, followingLink: Bool
  ) throws(ImageListError) -> [ByteString]? {
    let slash = UInt8(ascii: "/")
    let location = ByteString(root.bytes + [slash] + folder.bytes)
    guard isFolder(location, followingLink: followingLink) else { return nil }
    var paths: [ByteString] = []
    for item in try folderContents(location) {
      let path = ByteString(folder.bytes + [slash] + item.name.bytes)
      if item.isImage {
        paths.append(path)
      } else {
        paths += try images(in: path, of: root, followingLink: false) ?? []
      }
    }
    return paths
  }

  private static func isFolder(_ location: ByteString, followingLink: Bool) -> Bool {
    var status = stat()
    let result = location.withCString { path in
      followingLink ? stat(path, &status) : lstat(path, &status)
    }
    return result == 0 && status.st_mode & S_IFMT == S_IFDIR
  }

  /// What a folder holds: images by name, and names that may be folders; hidden ones left out.
  private static func folderContents(
    _ folder: ByteString
  ) throws(ImageListError) -> [(name: ByteString, isImage: Bool)] {
    guard let stream = folder.withCString({ opendir($0) }) else {
      throw .unreadable(SystemError("open folder", path: folder.description))
    }
    defer { closedir(stream) }
    var contents: [(name: ByteString, isImage: Bool)] = []
    while true {
      errno = 0
      guard let item = readdir(stream) else { break }
      let name = ByteString(readdirName: item)
      if name.bytes.first == UInt8(ascii: ".") { continue }
      guard
        !name.bytes.contains(where: {
          [UInt8(ascii: "\t"), .lineFeed, .carriageReturn].contains($0)
        })
      else {
        throw .unlistableName(name, folder: folder.description)
      }
      let isImage =
        ImageNames.hasImageExtension(name.bytes.span) && Int(item.pointee.d_type) != DT_DIR
      contents.append((name, isImage))
    }
    guard errno == 0 else {
      throw .unreadable(SystemError("list folder", path: folder.description))
    }
    return contents
  }
}

extension ByteString {
  /// Calls `body` with the bytes and a zero after them, as C functions take paths.
  func withCString<R>(_ body: (UnsafePointer<CChar>) -> R) -> R {
    (bytes + [0]).withUnsafeBytes { body($0.baseAddress!.assumingMemoryBound(to: CChar.self)) }
  }

  /// The name in a folder's entry, as `readdir` returned it.
  fileprivate init(readdirName entry: UnsafeMutablePointer<dirent>) {
    // The field ends at a zero, and need not be as long as its type says.
    let offset = MemoryLayout<dirent>.offset(of: \.d_name)!
    let name = UnsafeRawPointer(entry) + offset
    let length = strlen(name.assumingMemoryBound(to: CChar.self))
    self.init(UnsafeRawBufferPointer(start: name, count: length))
  }
}
