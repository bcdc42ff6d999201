//! Reads one item of an envelope.

use bytestring::ByteString;

use super::Rules;
use super::body::decode_body;
use super::invalid::{Invalid, Why};
use super::member::{Member, Seen, USUAL};
use super::parser::{Parser, Str};
use super::unique_names::UniqueNames;
use crate::item_error::ItemError;
use crate::subrequest::Subrequest;

/// Reads the items of an envelope, one after the other.
#[derive(Debug)]
pub(super) struct ItemReader<'a> {
    pub(super) parser: Parser<'a>,
    rules: Rules,
    /// The depth of an item's members.
    depth: u32,
}

impl<'a> ItemReader<'a> {
    pub(super) fn new(envelope: &'a ByteString, rules: Rules, depth: u32) -> Self {
        Self {
            parser: Parser::new(envelope),
            rules,
            depth,
        }
    }

    /// Reads one item, which follows on the `earlier` ones if these are known. An invalid value
    /// fails the item.
    ///
    /// # Errors
    ///
    /// An error in the structure refuses the batch.
    pub(super) fn read(
        &mut self,
        item: &mut Subrequest,
        earlier: Option<&[Subrequest]>,
    ) -> Result<(), Invalid> {
        if self.parser.peek() != Some(b'{') {
            return Err(self.parser.invalid(Why::ItemNotAnObject));
        }
        let mut seen = self.usual_start(item)?;
        let mut unknown = None;
        let mut body = None;
        let mut is_there = if seen.has(Member::Id) {
            self.parser.object_next()?
        } else {
            self.parser.object_first()?
        };
        while is_there {
            let start = self.parser.name_start();
            let member = match self.parser.any_of(&USUAL) {
                Some(member) => member,
                None => self.any_member(&mut unknown)?,
            };
            if !seen.insert(member) {
                return Err(Why::DuplicateName.at(start));
            }
            let value = self.parser.string()?;
            match (member, value) {
                (Member::Id, Some(id)) => self.id(item, &id)?,
                (Member::Method, Some(method)) => item.set_method(&self.parser.bytes(&method)?),
                (Member::Url, Some(url)) => item.url = self.parser.shared(&url)?,
                (Member::Headers, Some(_)) => item.fail(ItemError::Header),
                (Member::Body, Some(text)) => body = Some(self.parser.quoted(&text)),
                (Member::AtomicityGroup, Some(group)) => {
                    item.extras_mut().group = Some(self.parser.shared(&group)?);
                }
                (Member::Id, None) => return Err(self.parser.invalid(Why::IdNotAString)),
                (Member::DependsOn, Some(value)) => return Err(Why::DependsOn.at(value.start())),
                (Member::Method, None) => {
                    self.parser.value(self.depth)?;
                    item.fail(ItemError::Method);
                }
                (Member::Url, None) => {
                    self.parser.value(self.depth)?;
                    item.fail(ItemError::Target);
                }
                (Member::Headers, None) => self.headers(item)?,
                (Member::Body, None) => body = Some(self.parser.value(self.depth)?),
                (Member::DependsOn, None) => self.depends_on(item, earlier)?,
                // Never ignored: a conditional item must not run without its condition.
                (Member::If, Some(value)) => return Err(Why::Conditional.at(value.start())),
                (Member::AtomicityGroup | Member::If, None) => {
                    let invalid = self.parser.invalid(Why::Conditional);
                    if self.parser.value(self.depth)? != "null" {
                        return Err(invalid);
                    }
                }
                (Member::Unknown, Some(_)) => {}
                (Member::Unknown, None) => {
                    self.parser.value(self.depth)?;
                }
            }
            is_there = self.parser.object_next()?;
        }
        if !seen.has(Member::Id) {
            return Err(self.parser.invalid_end(Why::IdMissing));
        }
        if let Some(body) = body.filter(|body| *body != "null") {
            match decode_body(self.parser.share(body), item, self.rules) {
                Ok(body) => item.body = body,
                Err(fault) => item.fail(fault),
            }
        }
        Ok(())
    }

    /// A fast path for the start of most items: reads `{`, `id`, `method` and `url`, as far as they
    /// are in this order, without spaces and without escapes.
    #[inline]
    fn usual_start(&mut self, item: &mut Subrequest) -> Result<Seen, Invalid> {
        let mut seen = Seen::default();
        let Some(id) = self.parser.plain_string(b"{\"id\":\"") else {
            return Ok(seen);
        };
        self.id(item, &id)?;
        seen.insert(Member::Id);
        let Some(method) = self.parser.plain_string(b",\"method\":\"") else {
            return Ok(seen);
        };
        item.set_method(self.parser.plain_bytes(&method));
        seen.insert(Member::Method);
        let Some(url) = self.parser.plain_string(b",\"url\":\"") else {
            return Ok(seen);
        };
        item.url = self.parser.shared(&url)?;
        seen.insert(Member::Url);
        Ok(seen)
    }

    #[inline(always)]
    fn id(&self, item: &mut Subrequest, id: &Str) -> Result<(), Invalid> {
        let set = item.set_id(self.parser.shared(id)?);
        set.map_err(|_| Why::Id.at(id.start()))
    }

    #[inline(never)]
    fn any_member(&mut self, unknown: &mut Option<UniqueNames<'a>>) -> Result<Member, Invalid> {
        let name = self.parser.name()?;
        let start = name.start();
        let name = self.parser.bytes(&name)?;
        let member = Member::named(&name);
        if member == Member::Unknown {
            if let Some(meant) = Member::resembling(&name) {
                return Err(Why::Misspelt(meant).at(start));
            }
            if self.rules.denies_unknown {
                return Err(Why::UnknownMember.at(start));
            }
            if !unknown.get_or_insert_default().insert(name) {
                return Err(Why::DuplicateName.at(start));
            }
        }
        Ok(member)
    }

    fn headers(&mut self, item: &mut Subrequest) -> Result<(), Invalid> {
        if self.parser.peek() != Some(b'{') {
            if self.parser.value(self.depth)? != "null" {
                item.fail(ItemError::Header);
            }
            return Ok(());
        }
        let mut names = UniqueNames::default();
        let mut is_there = self.parser.object_first()?;
        while is_there {
            let name = self.parser.name()?;
            let start = name.start();
            let name = self.parser.bytes(&name)?;
            if !names.insert(name.clone()) {
                return Err(Why::DuplicateName.at(start));
            }
            if item.has_header(&name) {
                item.fail(ItemError::Header);
            }
            if self.parser.peek() == Some(b'[') {
                let mut is_there = self.parser.array_first()?;
                while is_there {
                    self.header(&name, self.depth + 2, item)?;
                    is_there = self.parser.array_next()?;
                }
            } else {
                self.header(&name, self.depth + 1, item)?;
            }
            is_there = self.parser.object_next()?;
        }
        Ok(())
    }

    fn header(&mut self, name: &[u8], depth: u32, item: &mut Subrequest) -> Result<(), Invalid> {
        match self.parser.string()? {
            Some(value) => item.add_header(name, self.parser.shared_bytes(&value)?),
            None => {
                self.parser.value(depth)?;
                item.fail(ItemError::Header);
            }
        }
        Ok(())
    }

    /// Reads `dependsOn`. It cannot name more items and groups than come before this item: among
    /// more names, one is unknown or a repetition. So memory never holds more names. In a stream,
    /// the length of the line limits them.
    fn depends_on(
        &mut self,
        item: &mut Subrequest,
        earlier: Option<&[Subrequest]>,
    ) -> Result<(), Invalid> {
        if self.parser.peek() != Some(b'[') {
            let invalid = self.parser.invalid(Why::DependsOn);
            return match self.parser.value(self.depth)? {
                "null" => Ok(()),
                _ => Err(invalid),
            };
        }
        let (mut count, mut max) = (0, None);
        let mut is_there = self.parser.array_first()?;
        while is_there {
            count += 1;
            let Some(id) = self.parser.string()? else {
                return Err(self.parser.invalid(Why::DependsOn));
            };
            if let Some(earlier) = earlier
                && count > earlier.len()
                && count > *max.get_or_insert_with(|| earlier.len() + groups_in(earlier))
            {
                return Err(Why::UnknownDependency.at(id.start()));
            }
            if id.is_escaped {
                item.add_dependency(&self.parser.unescaped(&id)?);
            } else {
                item.add_dependency(self.parser.plain_text(&id));
            }
            is_there = self.parser.array_next()?;
        }
        Ok(())
    }
}

/// The number of atomicity groups among these items.
fn groups_in(items: &[Subrequest]) -> usize {
    let runs = items.chunk_by(|one, next| one.group() == next.group());
    let first_of = |run: &[Subrequest]| run.first().is_some_and(|item| item.group().is_some());
    runs.filter(|run| first_of(run)).count()
}
