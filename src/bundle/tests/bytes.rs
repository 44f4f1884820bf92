//! The zip's bytes: they depend on the content alone, another implementation reads the same, and a
//! file that changes under way is an error.

use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use proptest::prelude::*;

use super::super::{Progress, write};
use super::*;

/// Bytes that do not compress, always the same: they repeat only farther off than deflate looks back.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let block: Vec<u8> = (0..bytes.min(50_000))
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect();
    block.into_iter().cycle().take(bytes).collect()
}

/// Text that compresses.
fn prose(bytes: usize) -> Vec<u8> {
    let letters = |byte: u8| b"etaoin shrdlu\n"[usize::from(byte) % 14];
    let block: Vec<u8> = noise(bytes.min(50_000)).into_iter().map(letters).collect();
    block.into_iter().cycle().take(bytes).collect()
}

fn varied() -> Tree {
    let tree = Tree::of(&["a/b/c", "a.txt", "umlaut-\u{fc}", "empty/"]);
    tree.file("nothing", "");
    tree.file("noise.bin", noise(200_000));
    tree.file("prose.txt", prose(300_000));
    tree.file("large.txt", prose(9 << 20));
    for index in 0..100 {
        tree.file(&format!("many/{index}"), prose(index * 37));
    }
    tree
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let tree = varied();
    let bundles: Vec<Vec<u8>> = [1, 2, 5]
        .map(|threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .expect("a pool");
            pool.install(|| tree.zip().0)
        })
        .into();
    assert!(bundles[0] == bundles[1] && bundles[1] == bundles[2]);
}

#[test]
fn neither_times_nor_the_place_nor_the_order_of_creation_change_anything() {
    let names = ["z", "a/b", "a/a", "m", "k/l/m"];
    let tree = Tree::of(&names);
    let mut backwards = names;
    backwards.reverse();
    let other = Tree::of(&backwards);
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for name in names {
        let file = fs::File::options()
            .write(true)
            .open(other.at(name))
            .expect("a file");
        file.set_modified(old).expect("a time");
    }
    assert_ne!(tree.root(), other.root());
    assert!(tree.zip().0 == other.zip().0);
}

#[cfg(unix)]
#[test]
fn permissions_beyond_the_right_to_run_change_nothing() {
    use std::os::unix::fs::PermissionsExt;
    let bundle = |plain: u32, runs: u32, directory: u32| {
        let tree = Tree::of(&["a/plain", "a/runs"]);
        for (name, mode) in [("a/plain", plain), ("a/runs", runs), ("a", directory)] {
            fs::set_permissions(tree.at(name), fs::Permissions::from_mode(mode)).expect("a mode");
        }
        tree.zip().0
    };
    // As an umask of 022, 002 and 077 leave them.
    let usual = bundle(0o644, 0o755, 0o755);
    assert!(usual == bundle(0o664, 0o775, 0o775));
    assert!(usual == bundle(0o600, 0o700, 0o700));
    assert!(usual != bundle(0o755, 0o755, 0o755));
}

#[test]
fn another_implementation_reads_what_was_put_in() {
    let tree = varied();
    let (bytes, written) = tree.zip();
    let members = unzip(&bytes);
    let selection = tree.select().expect("a selection");
    assert_eq!(members.len(), selection.entries().len());
    for entry in selection
        .entries()
        .iter()
        .filter(|entry| !entry.name().ends_with('/'))
    {
        let content = fs::read(tree.at(entry.name())).expect("a file");
        assert!(members[entry.name()].1 == content, "{}", entry.name());
    }
    assert_eq!(written.bytes, bytes.len() as u64);
    assert_eq!(written.files, selection.entries().len() - 1);
    assert_eq!(written.sha256.len(), 64);
}

#[test]
fn what_does_not_compress_is_stored_and_the_rest_is_deflated() {
    let tree = varied();
    tree.file("large.zip", noise(9 << 20));
    let mut archive = zip::ZipArchive::new(Cursor::new(tree.zip().0)).expect("a zip");
    let table = [
        ("nothing", zip::CompressionMethod::Stored),
        ("noise.bin", zip::CompressionMethod::Stored),
        ("large.zip", zip::CompressionMethod::Stored),
        ("prose.txt", zip::CompressionMethod::Deflated),
        ("large.txt", zip::CompressionMethod::Deflated),
    ];
    for (name, method) in table {
        let member = archive.by_name(name).expect("a member");
        assert_eq!(member.compression(), method, "{name}");
        assert_eq!(member.last_modified().map(|time| time.year()), Some(1980));
    }
}

#[test]
fn progress_grows_to_the_whole() {
    let tree = varied();
    let selection = tree.select().expect("a selection");
    let seen = Mutex::new(Vec::new());
    write(&selection, &mut Vec::new(), &|progress| {
        seen.lock().expect("a lock").push(progress);
    })
    .expect("a bundle");
    let seen = seen.into_inner().expect("no panic");
    assert!(seen.is_sorted_by_key(|progress: &Progress| (progress.members, progress.bytes)));
    let whole = Progress {
        members: selection.entries().len(),
        bytes: selection.total_bytes(),
    };
    assert_eq!(seen.last(), Some(&whole));
}

#[test]
fn every_file_that_changed_since_it_was_selected_is_named() {
    let tree = Tree::of(&["gone", "longer", "same", "shorter"]);
    tree.file("z/large", prose(9 << 20));
    let selection = tree.select().expect("a selection");
    fs::remove_file(tree.at("gone")).expect("removed");
    tree.file("longer", "more content of longer\n");
    tree.file("shorter", "");
    tree.file("z/large", "small now");
    let error = write(&selection, &mut Vec::new(), &|_| {}).expect_err("no bundle");
    let problems: Vec<String> = error
        .problems()
        .map(|problem| problem.message().replace(&tree.shown(), "ROOT"))
        .collect();
    assert_eq!(
        problems,
        [
            "ROOT/gone changed while it was bundled: it is gone",
            "ROOT/longer changed while it was bundled: something wrote to it",
            "ROOT/shorter changed while it was bundled: something wrote to it",
            "ROOT/z/large changed while it was bundled: something wrote to it",
        ]
    );
}

#[test]
fn an_output_that_cannot_be_written_is_an_error() {
    struct Full;
    impl std::io::Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let tree = varied();
    let selection = tree.select().expect("a selection");
    let error = write(&selection, &mut Full, &|_| {}).expect_err("no bundle");
    assert!(
        error.message().starts_with("cannot write the bundle: "),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_comes_back_as_it_was(
        files in prop::collection::btree_map(
            "[a-z\u{e0}-\u{ff} .~$'\\\\]{1,8}(/[a-z]{1,3}){0,2}",
            prop::collection::vec(any::<u8>(), 0..3000),
            1..12,
        )
    ) {
        let tree = Tree::of(&[]);
        let mut written = BTreeMap::new();
        for (name, content) in files {
            let name = format!("f/{name}");
            let place = tree.at(&name);
            let parts_exist = Path::new(&name).components().any(|part| part.as_os_str() == "..");
            if parts_exist || name.ends_with("/.") || name.contains("/./") {
                continue;
            }
            let made = fs::create_dir_all(place.parent().expect("a parent"));
            if made.is_ok() && !place.exists() && fs::write(place, &content).is_ok() {
                written.insert(name, content);
            }
        }
        let (bytes, _) = tree.zip();
        let mut members = unzip(&bytes);
        members.remove("docker-compose.yml");
        let read: BTreeMap<String, Vec<u8>> =
            members.into_iter().filter(|(name, _)| !name.ends_with('/')).map(|(name, (_, content))| (name, content)).collect();
        prop_assert_eq!(read, written);
    }
}
