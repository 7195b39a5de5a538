//! Where what a host sends is compressed: there, so that less passes the network, or here.

use remote::{Command, Executor, Input, run};

use crate::{error::Error, manifest::Format};

/// Where a snapshot is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compress {
    /// On the host, where it has what that takes; else here.
    #[default]
    Auto,
    /// On the host.
    Host,
    /// On the machine that Windlass runs on.
    Local,
    /// Nowhere: it is stored as it comes.
    None,
}

/// A program on a host that compresses its stdin to its stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Compressor {
    /// Its name.
    pub(crate) program: &'static str,
    words: &'static str,
}

/// At the level that is taken here as well; one of its processors is enough to fill a network.
const ZSTD: Compressor = Compressor { program: "zstd", words: "zstd -q -3 -c" };
const GZIP: Compressor = Compressor { program: "gzip", words: "gzip -1 -c" };

impl Compress {
    const ALL: [Self; 4] = [Self::Auto, Self::Host, Self::Local, Self::None];

    /// What they are called, in the order of `ALL`.
    pub const WORDS: [&str; 4] = ["auto", "host", "local", "none"];

    /// The one with this word.
    pub fn of_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().position(|one| *one == word).map(|at| Self::ALL[at])
    }

    /// How something is stored that would be packed as `format` says.
    pub(crate) fn stored(self, format: Format) -> Format {
        match format {
            Format::TarZst | Format::Tgz if self == Self::None => Format::Tar,
            Format::Zst if self == Self::None => Format::Raw,
            other => other,
        }
    }

    /// What compresses on the host of `exec`, if that is where it is done.
    ///
    /// # Errors
    /// [`Error::CannotCompress`] where it has to be done there, and the host has no program for it.
    pub(crate) async fn on_host(
        self,
        exec: &dyn Executor,
        format: Format,
    ) -> Result<Option<Compressor>, Error> {
        let compressor = match format {
            Format::TarZst | Format::Zst => ZSTD,
            // It is several times as slow as what is done here.
            Format::Tgz if self == Self::Host => GZIP,
            Format::Tgz | Format::Tar | Format::PgDump | Format::Raw => return Ok(None),
        };
        if matches!(self, Self::Local | Self::None) {
            return Ok(None);
        }
        let probe = Command::new([compressor.program, "-c"]);
        match run(exec, &probe, Input::Nothing).await?.success() {
            true => Ok(Some(compressor)),
            false if self == Self::Auto => Ok(None),
            false => {
                let host = exec.name().to_owned();
                Err(Error::CannotCompress { program: compressor.program, host })
            }
        }
    }
}

impl Compressor {
    /// `command` with its output compressed. It ends as `command` does, and as the compressor where that
    /// fails: the shell's own pipe would lose one of them.
    pub(crate) fn behind(self, command: &Command) -> Command {
        let script = format!(
            "exec 4>&1\n\
             ended=$({{ {{ \"$@\" 3>&- 4>&-; echo \"$?\" >&3; }} | {} 3>&- >&4; }} 3>&1) || exit\n\
             exit \"${{ended:-1}}\"",
            self.words
        );
        command.clone().run_by(["sh", "-c", &script, "windlass-compress"])
    }
}

#[cfg(test)]
mod tests {
    use remote::{Local, Output, conformance::Tools};

    use super::*;

    async fn ended(tools: &Tools, words: [&str; 3], compressor: Compressor) -> Output {
        run(tools, &compressor.behind(&Command::new(words)), Input::Nothing).await.unwrap()
    }

    #[tokio::test]
    async fn it_ends_as_the_command_does_and_as_what_compresses() {
        for tools in Tools::all() {
            for (script, status) in [("echo a", 0), ("echo a; exit 1", 1), ("echo a; kill -9 $$", 137)] {
                let output = ended(&tools, ["sh", "-c", script], GZIP).await;
                assert_eq!(output.status, status, "{tools:?} {script}");
                let mut text = String::new();
                let mut reader = flate2::read::GzDecoder::new(&output.stdout[..]);
                std::io::Read::read_to_string(&mut reader, &mut text).unwrap();
                assert_eq!(text, "a\n", "{tools:?} {script}");
            }
            let broken = Compressor { program: "cat", words: "cat /nowhere" };
            assert_ne!(ended(&tools, ["sh", "-c", "echo a"], broken).await.status, 0, "{tools:?}");
        }
    }

    #[tokio::test]
    async fn who_has_no_program_for_it_is_told_or_does_without() {
        let without = Tools::only(&["sh"]);
        let on_host = async |compress: Compress, format| compress.on_host(&without, format).await;
        assert_eq!(on_host(Compress::Auto, Format::TarZst).await.unwrap(), None);
        let error = on_host(Compress::Host, Format::TarZst).await.unwrap_err();
        assert!(matches!(error, Error::CannotCompress { program: "zstd", .. }), "{error:?}");
        let error = on_host(Compress::Host, Format::Tgz).await.unwrap_err();
        assert!(matches!(error, Error::CannotCompress { program: "gzip", .. }), "{error:?}");
        let here = Local::new();
        assert_eq!(Compress::Host.on_host(&here, Format::Tgz).await.unwrap(), Some(GZIP));
        for compress in [Compress::Auto, Compress::Local, Compress::None] {
            assert_eq!(compress.on_host(&here, Format::Tgz).await.unwrap(), None);
        }
        assert_eq!(Compress::Host.on_host(&here, Format::PgDump).await.unwrap(), None);
    }

    #[test]
    fn what_is_not_compressed_is_stored_as_it_comes() {
        for (format, stored) in
            [(Format::TarZst, Format::Tar), (Format::Zst, Format::Raw), (Format::PgDump, Format::PgDump)]
        {
            assert_eq!(Compress::None.stored(format), stored);
            assert_eq!(Compress::Auto.stored(format), format);
        }
        for (word, compress) in Compress::WORDS.into_iter().zip(Compress::ALL) {
            assert_eq!(Compress::of_word(word), Some(compress));
        }
    }
}
