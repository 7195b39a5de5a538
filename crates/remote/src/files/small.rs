//! Short files, and single ones.

use crate::Input;

use super::{FileError, Files, Kind, facts::Hash, path, walk};

impl Files<'_> {
    /// The text of a short file; `None` when it does not exist. What is not UTF-8 is replaced.
    ///
    /// # Errors
    /// As [`Files::download`].
    pub async fn read_text(&self, path: &str) -> Result<Option<String>, FileError> {
        match self.download_short(path).await {
            Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
            Err(FileError::Absent { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Removes one file or symbolic link and leaves its directory; whether there was one.
    ///
    /// # Errors
    /// [`FileError::Occupied`] when it is a directory; [`FileError::Denied`] and the others.
    pub async fn remove_file(&self, path: &str) -> Result<bool, FileError> {
        let facts = self.facts(&[path], Hash::No).await?;
        match facts.get(path).map(|facts| facts.kind) {
            None => return Ok(false),
            Some(kind @ Kind::Directory) => {
                return Err(FileError::Occupied { path: path.to_owned(), host: self.host(), kind });
            }
            Some(_) => {}
        }
        let name = format!("./{}", walk::name(path));
        let command = walk::in_directory(path::parent(path), ["rm", "-f", "--", &name]);
        let output = self.run(command, Input::Nothing).await?;
        if output.success() {
            return Ok(true);
        }
        Err(FileError::from_output("remove", path, self.host(), &output))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Local, files::WriteOptions};

    #[tokio::test]
    async fn a_short_file_comes_and_goes() {
        let dir = tempfile::tempdir().unwrap();
        let path = format!("{}/-odd name", dir.path().display());
        let local = Local::new();
        let files = Files::on(&local);
        assert_eq!(files.read_text(&path).await.unwrap(), None);
        files.write(&path, "hello\n", &WriteOptions::default()).await.unwrap();
        assert_eq!(files.read_text(&path).await.unwrap().as_deref(), Some("hello\n"));
        assert!(files.remove_file(&path).await.unwrap());
        assert!(!files.remove_file(&path).await.unwrap());
        assert!(dir.path().is_dir());
    }
}
