//! Where git keeps ignore rules outside the tree that is bundled: the enclosing repository, its
//! `info/exclude`, and the user's global excludes.

use std::fs;
use std::path::{Path, PathBuf};

/// The work tree that holds `directory`: the nearest directory upwards with a `.git` in it.
pub(super) fn work_tree(directory: &Path) -> Option<&Path> {
    directory
        .ancestors()
        .find(|ancestor| ancestor.join(".git").exists())
}

/// The repository's own exclude file, also for a linked work tree or a submodule, whose `.git` is a
/// file that names the real place.
pub(super) fn exclude_file(work_tree: &Path) -> Option<PathBuf> {
    let dot_git = work_tree.join(".git");
    let repository = if dot_git.is_file() {
        let text = fs::read_to_string(&dot_git).ok()?;
        let place = work_tree.join(text.strip_prefix("gitdir:")?.trim());
        match fs::read_to_string(place.join("commondir")) {
            Ok(common) => place.join(common.trim()),
            Err(_) => place,
        }
    } else {
        dot_git
    };
    Some(repository.join("info/exclude")).filter(|file| file.is_file())
}

/// The user's global excludes (`core.excludesFile`, else git's default place), if the file exists.
pub(super) fn global_excludes() -> Option<PathBuf> {
    ignore::gitignore::gitconfig_excludes_path().filter(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_linked_work_tree_and_a_submodule_lead_to_their_exclude_file() {
        let home = tempfile::tempdir().expect("temporary directory");
        let common = home.path().join("main/.git");
        fs::create_dir_all(common.join("worktrees/linked")).expect("directories");
        fs::create_dir_all(common.join("info")).expect("directories");
        fs::write(common.join("info/exclude"), "x\n").expect("exclude");
        fs::write(common.join("worktrees/linked/commondir"), "../..\n").expect("commondir");
        let linked = home.path().join("linked");
        fs::create_dir_all(linked.join("src")).expect("directories");
        let place = common.join("worktrees/linked");
        fs::write(
            linked.join(".git"),
            format!("gitdir: {}\n", place.display()),
        )
        .expect(".git");

        assert_eq!(work_tree(&linked.join("src")), Some(linked.as_path()));
        let found = exclude_file(&linked).expect("an exclude file");
        assert_eq!(fs::read_to_string(found).expect("readable"), "x\n");
        assert!(exclude_file(&home.path().join("main")).is_some());
    }
}
