//! What is asked on the terminal, and answered there.

use std::io::{ErrorKind, Write};

use super::Out;

impl Out {
    /// Asks for agreement on the terminal.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn ask(&self, question: &str) -> std::io::Result<bool> {
        self.finish();
        let mut stderr = anstream::stderr();
        write!(stderr, "{question} [y/N] ")?;
        stderr.flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        Ok(matches!(
            answer.trim().to_ascii_lowercase().as_str(),
            "y" | "yes"
        ))
    }

    /// Asks for a line on the terminal that does not show what is typed.
    ///
    /// # Errors
    /// What the operating system says; the end of the input among it.
    pub fn hidden(&self, text: &str) -> std::io::Result<String> {
        self.finish();
        let mut stderr = anstream::stderr();
        write!(stderr, "{text}: ")?;
        stderr.flush()?;
        rpassword::read_password()
    }

    /// Asks for a line on the terminal.
    ///
    /// # Errors
    /// What the operating system says; the end of the input among it.
    pub fn question(&self, text: &str) -> std::io::Result<String> {
        self.finish();
        let mut stderr = anstream::stderr();
        write!(stderr, "{text}: ")?;
        stderr.flush()?;
        let mut answer = String::new();
        if std::io::stdin().read_line(&mut answer)? == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        Ok(answer.trim().to_owned())
    }
}
