//! Random JSON envelopes.

use super::Items;
use super::values::BAD_MEMBERS;

impl Items<'_> {
    /// A name that the item can depend on: the id of an earlier item, or its group, as other groups
    /// cannot name a member.
    fn earlier(&mut self, end: usize, group: Option<usize>) -> String {
        let at = self.random.below(end);
        match self.groups[at] {
            Some(other) if Some(other) != group => format!("g{other}"),
            _ => self.ids[at].clone(),
        }
    }

    fn json_item(&mut self, group: Option<usize>) -> String {
        let (earlier, id) = (self.ids.len(), self.new_id());
        self.groups.push(group);
        let mut members = vec![
            format!("\"id\":\"{id}\""),
            format!("\"method\":\"{}\"", self.method()),
            format!("\"url\":\"{}\"", self.url().replace('\\', "\\\\")),
        ];
        let mut headers = self.headers();
        if self.random.one_in(2) {
            let (content_type, (body, _)) = self.body();
            if !content_type.is_empty() {
                headers.push((
                    self.random.pick(&["content-type", "Content-Type"]),
                    content_type,
                ));
            }
            members.push(format!("\"body\":{body}"));
        }
        if !headers.is_empty() || self.random.one_in(4) {
            let headers = headers
                .iter()
                .map(|(name, value)| match self.random.below(12) {
                    0 => format!("\"{name}\":[\"{value}\"]"),
                    1 => format!("\"{name}\":[\"{value}\",\"{value}2\"]"),
                    _ => format!("\"{name}\": \"{value}\""),
                });
            members.push(format!(
                "\"headers\":{{{}}}",
                headers.collect::<Vec<_>>().join(",")
            ));
        }
        if earlier > 0 && self.random.one_in(3) {
            let count = 1 + self.random.below(earlier.min(3));
            let on: Vec<_> = (0..count)
                .map(|_| format!("\"{}\"", self.earlier(earlier, group)))
                .collect();
            members.push(format!("\"dependsOn\":[{}]", on.join(" , ")));
        }
        if let Some(group) = group {
            members.push(format!("\"atomicityGroup\":\"g{group}\""));
        }
        if self.faulty(12) {
            members.push(self.random.pick(BAD_MEMBERS).to_owned());
        }
        if self.random.one_in(4) {
            let (a, b) = (
                self.random.below(members.len()),
                self.random.below(members.len()),
            );
            members.swap(a, b);
        }
        let between = self.random.pick(&[",", ",", ", ", ",\n\t"]);
        format!("{{{}}}", members.join(between))
    }

    pub(super) fn json(&mut self, count: usize) -> String {
        let has_groups = self.random.one_in(4);
        let mut items = Vec::new();
        for at in 0..count {
            let group = (has_groups && at % 5 > 1).then_some(at / 5);
            items.push(self.json_item(group));
        }
        let items = items.join(self.random.pick(&[",", ",\n", " , "]));
        match self.random.below(12) {
            0 => format!("{{\"x\":[0],\"requests\":[{items}]}}"),
            1 => format!(" {{ \"requests\" : [ {items} ] , \"y\" : {{}} }}\r\n"),
            _ => format!("{{\"requests\":[{items}]}}"),
        }
    }
}
