//! Random multipart envelopes.

use super::Items;

impl Items<'_> {
    /// Writes an item as a part, without the delimiters.
    fn part(&mut self) -> String {
        let mut part = String::from("Content-Type: application/http\n");
        if self.random.one_in(3) {
            part += "content-transfer-encoding:binary\n";
        }
        let id = self.new_id().replace('\\', "");
        match self.random.below(4) {
            0 => {}
            1 => part += &format!("Content-ID: <{id}>\n"),
            _ => part += &format!("Content-Id: {id}\n"),
        }
        if self.faulty(15) {
            part += self.random.pick(&[
                "Content-Transfer-Encoding: base64\n",
                "Content-Length: x\n",
                "X-A:1\n Y\n",
                "bad\n",
                "Content-Type: text/plain\n",
            ]);
        }
        let version = self.random.pick(&[" HTTP/1.1", " HTTP/1.1", "", " HTTP/2"]);
        part += &format!("\n{} {}{version}\n", self.method(), self.url());
        for (name, value) in self.headers() {
            part += &format!("{name}: {value}\n");
        }
        let (content_type, (_, body)) = self.body();
        if self.random.one_in(2) {
            if !content_type.is_empty() {
                part += &format!("Content-Type: {content_type}\n");
            }
            part += &format!("\n{body}");
        } else if !self.random.one_in(4) {
            part += "\n";
        }
        part + "\n"
    }

    pub(super) fn multipart(&mut self, count: usize) -> String {
        let mut text = String::from(if self.random.one_in(8) {
            "preamble\n"
        } else {
            ""
        });
        let mut left = count;
        while left > 0 {
            text += "--b\n";
            if self.random.one_in(4) {
                let members = left.min(1 + self.random.below(3));
                text += "Content-Type: multipart/mixed; boundary=c\n\n";
                for _ in 0..members {
                    text += "--c\n";
                    text += &self.part();
                }
                text += "--c--\n";
                left -= members;
            } else {
                text += &self.part();
                left -= 1;
            }
        }
        text += self.random.pick(&["--b--\n", "--b--", "--b--\nepilogue"]);
        if self.random.one_in(3) {
            text
        } else {
            text.replace('\n', "\r\n")
        }
    }
}
