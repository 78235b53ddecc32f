//! Messages of protobuf that the protocol's crate has no types for.

use arrow_flight::sql::ProstMessageExt;
use bytes::Bytes;

/// A field of a message: its number and its bytes. Of a number there are none.
pub(crate) type Field<'m> = (u64, &'m [u8]);

/// Appends a field of bytes or text.
pub(crate) fn put(message: &mut Vec<u8>, number: u64, bytes: &[u8]) {
    put_number(message, number << 3 | 2);
    put_number(message, u64::try_from(bytes.len()).unwrap_or(u64::MAX));
    message.extend_from_slice(bytes);
}

/// Appends a number by sevens of its bits.
fn put_number(message: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            return message.push(low);
        }
        message.push(low | 0x80);
    }
}

/// A message of the field `number`, which is a choice of a list.
pub(crate) fn choice(number: u64, chosen: u64) -> Vec<u8> {
    let mut message = Vec::new();
    put_number(&mut message, number << 3);
    put_number(&mut message, chosen);
    message
}

/// A command as tickets have it, with its type.
pub(crate) fn packed(command: &impl ProstMessageExt) -> Bytes {
    let command = command.as_any();
    let mut message = Vec::with_capacity(command.type_url.len() + command.value.len() + 12);
    put(&mut message, 1, command.type_url.as_bytes());
    put(&mut message, 2, &command.value);
    message.into()
}

/// The fields of a message; `None` if it is none.
pub(crate) fn fields(mut message: &[u8]) -> Option<Vec<Field<'_>>> {
    let mut found = Vec::new();
    while !message.is_empty() {
        let tag = take_number(&mut message)?;
        let bytes = match tag & 7 {
            0 => {
                take_number(&mut message)?;
                &[]
            }
            1 => take(&mut message, 8)?,
            2 => {
                let n = usize::try_from(take_number(&mut message)?).ok()?;
                take(&mut message, n)?
            }
            5 => take(&mut message, 4)?,
            _ => return None,
        };
        found.push((tag >> 3, bytes));
    }
    Some(found)
}

/// The bytes of the field `number` of a message, of the first of them if there are several.
pub(crate) fn field(message: &[u8], number: u64) -> Option<&[u8]> {
    fields(message)?.into_iter().find(|(found, _)| *found == number).map(|(_, bytes)| bytes)
}

/// The same as text.
pub(crate) fn text(message: &[u8], number: u64) -> Option<&str> {
    std::str::from_utf8(field(message, number)?).ok()
}

fn take<'m>(message: &mut &'m [u8], n: usize) -> Option<&'m [u8]> {
    let (taken, rest) = message.split_at_checked(n)?;
    *message = rest;
    Some(taken)
}

fn take_number(message: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for at in 0..10 {
        let byte = *take(message, 1)?.first()?;
        number |= u64::from(byte & 0x7f).checked_shl(7 * at)?;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_flight::sql::{Any, TicketStatementQuery};

    #[test]
    fn fields_are_read_as_they_are_written() {
        let long = vec![7; 300];
        let mut message = choice(9, 500);
        put(&mut message, 1, b"one");
        put(&mut message, 20, &long);
        let expected: Vec<Field<'_>> = vec![(9, b""), (1, b"one"), (20, &long)];
        assert_eq!(fields(&message), Some(expected));
        assert_eq!(text(&message, 1), Some("one"));
        assert_eq!(field(&message, 2), None);
        // Without its end it is none.
        for n in [1, 2, 4, message.len() - 1] {
            assert_eq!(fields(&message[..n]), None, "{n}");
        }
        assert_eq!(fields(&[0xff; 12]), None);
        assert_eq!(fields(&[0x0b]), None);
    }

    #[test]
    fn commands_are_packed_as_the_crate_packs_them() {
        let command = TicketStatementQuery { statement_handle: Bytes::from_static(b"handle") };
        let bytes = packed(&command);
        let any = Any {
            type_url: text(&bytes, 1).expect("a type").to_owned(),
            value: Bytes::copy_from_slice(field(&bytes, 2).expect("a value")),
        };
        assert_eq!(any.unpack().expect("it is one"), Some(command));
    }
}
