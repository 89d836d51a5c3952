#include "common/web/html.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <unordered_set>
#include <utility>

namespace {

// A hostile page can have a long address and a million short links: made absolute, they would
// not fit into memory. So links_of stops when it has made this much of them; a page that is
// anything like a page does not come near.
constexpr std::size_t MAX_RESOLVED_BYTES = 32 * 1024 * 1024;

bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::string to_lower(std::string_view text) {
    std::string lower(text);
    for (char& c : lower) {
        c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    }
    return lower;
}

bool is_html_space(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

// ---- character references (HTML section 13.2.5.72 and following)

void append_utf8(std::string& text, std::uint32_t code) {
    if (code == 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) {
        code = 0xfffd; // no such character
    }
    auto append = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
        append(code);
    } else if (code < 0x800) {
        append(0xc0 | code >> 6);
        append(0x80 | (code & 0x3f));
    } else if (code < 0x10000) {
        append(0xe0 | code >> 12);
        append(0x80 | (code >> 6 & 0x3f));
        append(0x80 | (code & 0x3f));
    } else {
        append(0xf0 | code >> 18);
        append(0x80 | (code >> 12 & 0x3f));
        append(0x80 | (code >> 6 & 0x3f));
        append(0x80 | (code & 0x3f));
    }
}

// Decodes a reference that `text` starts with, as in "#38;" (its '&' is not there any more),
// and returns its length. 0: it does not start with one that we know.
std::size_t decode_number(std::string_view text, std::string& decoded) {
    bool is_hex = text.starts_with("#x") || text.starts_with("#X");
    std::string_view digits = is_hex ? "0123456789abcdefABCDEF" : "0123456789";
    std::uint32_t base = is_hex ? 16 : 10;
    std::size_t start = is_hex ? 2 : 1;
    std::size_t end = start;
    std::uint32_t code = 0;
    while (end < text.size() && digits.find(text[end]) != std::string_view::npos) {
        char c = text[end++];
        int value = c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
        code = std::min<std::uint32_t>(code * base + static_cast<std::uint32_t>(value),
                                       0x110000); // one too many, and stays so
    }
    if (end == start || end == text.size() || text[end] != ';') {
        return 0;
    }
    append_utf8(decoded, code);
    return end + 1;
}

std::size_t decode_name(std::string_view text, std::string& decoded) {
    constexpr std::pair<std::string_view, char> names[] = {
        {"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}};
    for (const auto& [name, character] : names) {
        if (text.starts_with(name)) {
            decoded += character;
            return name.size();
        }
    }
    return 0;
}

std::string decode(std::string_view value) {
    std::string decoded;
    decoded.reserve(value.size());
    while (!value.empty()) {
        std::string_view plain = value.substr(0, value.find('&'));
        decoded += plain;
        value.remove_prefix(plain.size());
        if (value.empty()) {
            break;
        }
        value.remove_prefix(1);
        std::size_t length = value.starts_with('#') ? decode_number(value, decoded)
                                                    : decode_name(value, decoded);
        if (length == 0) {
            decoded += '&';
        }
        value.remove_prefix(length);
    }
    return decoded;
}

// ---- tags

// What is in them is text, without tags.
constexpr std::string_view TEXT_ELEMENTS[] = {"script", "style",  "title",   "textarea",
                                              "xmp",    "iframe", "noembed", "noframes"};

// What of a tag matters here.
struct Tag {
    std::string name; // lower case
    std::optional<std::string> href;
    std::optional<std::string> src;
    bool is_src_first = false;
};

// One pass from the first byte to the last: at_ never goes back.
class LinkFinder {
  public:
    explicit LinkFinder(std::string_view html) : html_(html) {}

    Links find() {
        while (skip_past("<")) {
            if (next_is("!--")) {
                skip_comment();
            } else if (next_is("!") || next_is("?")) {
                skip_past(">");
            } else if (next_is("/")) {
                ++at_;
                read_end_tag();
            } else if (at_ < html_.size() && is_letter(html_[at_])) {
                read_start_tag();
            } // else it is text
        }
        return std::move(links_);
    }

  private:
    bool is_at_end() const { return at_ == html_.size(); }

    bool next_is(std::string_view text) const { return html_.substr(at_).starts_with(text); }

    // False: there is none, and this is the end.
    bool skip_past(std::string_view text) {
        std::size_t found = html_.find(text, at_);
        at_ = found == std::string_view::npos ? html_.size() : found + text.size();
        return found != std::string_view::npos;
    }

    void skip_spaces() {
        while (!is_at_end() && is_html_space(html_[at_])) {
            ++at_;
        }
    }

    std::string_view take_until_space_or(std::string_view others) {
        std::size_t start = at_;
        while (!is_at_end() && !is_html_space(html_[at_]) &&
               others.find(html_[at_]) == std::string_view::npos) {
            ++at_;
        }
        return html_.substr(start, at_ - start);
    }

    // Also <!--> and <!---> are comments, and --!> ends one.
    void skip_comment() {
        at_ += 3;
        if (next_is(">") || next_is("->")) {
            skip_past(">");
            return;
        }
        while (skip_past("--")) {
            if (next_is(">") || next_is("!>")) {
                skip_past(">");
                return;
            }
            --at_; // of three dashes, the last two may end it
        }
    }

    void read_end_tag() {
        if (!is_at_end() && is_letter(html_[at_])) {
            Tag ignored;
            read_tag(ignored);
        } else {
            skip_past(">");
        }
    }

    void read_start_tag() {
        Tag tag;
        if (!read_tag(tag)) {
            return;
        }
        keep_links(tag);
        if (tag.name == "plaintext") {
            at_ = html_.size(); // no tag ends it
        } else if (std::find(std::begin(TEXT_ELEMENTS), std::end(TEXT_ELEMENTS), tag.name) !=
                   std::end(TEXT_ELEMENTS)) {
            skip_text_of(tag.name);
        }
    }

    // False: the document ends within the tag, so it is not a tag.
    bool read_tag(Tag& tag) {
        tag.name = to_lower(take_until_space_or("/>"));
        while (true) {
            take_spaces_and_slashes();
            if (is_at_end()) {
                return false;
            }
            if (html_[at_] == '>') {
                ++at_;
                return true;
            }
            if (!read_attribute(tag)) {
                return false;
            }
        }
    }

    void take_spaces_and_slashes() {
        while (!is_at_end() && (is_html_space(html_[at_]) || html_[at_] == '/')) {
            ++at_;
        }
    }

    // False: the document ends within its value.
    bool read_attribute(Tag& tag) {
        std::size_t start = at_++; // the first character is part of the name, even '='
        take_until_space_or("/>=");
        std::string_view name = html_.substr(start, at_ - start);
        std::string_view value;
        skip_spaces();
        if (next_is("=")) {
            ++at_;
            skip_spaces();
            if (next_is("\"") || next_is("'")) {
                std::size_t after_quote = at_ + 1;
                std::string_view quote = html_.substr(at_++, 1);
                if (!skip_past(quote)) {
                    return false;
                }
                value = html_.substr(after_quote, at_ - 1 - after_quote);
            } else {
                value = take_until_space_or(">");
            }
        }
        keep_attribute(tag, name, value);
        return true;
    }

    // Of several attributes with one name the first counts.
    static void keep_attribute(Tag& tag, std::string_view name, std::string_view value) {
        if (name.size() > 4) {
            return;
        }
        std::string lower_name = to_lower(name);
        if (lower_name == "href" && !tag.href) {
            tag.href = decode(value);
        } else if (lower_name == "src" && !tag.src) {
            tag.src = decode(value);
            tag.is_src_first = !tag.href;
        }
    }

    void keep_links(Tag& tag) {
        if (tag.name == "base") {
            if (!links_.base) {
                links_.base = std::move(tag.href);
            }
            return;
        }
        if (tag.src && tag.is_src_first) {
            links_.references.push_back(std::move(*tag.src));
        }
        if (tag.href) {
            links_.references.push_back(std::move(*tag.href));
        }
        if (tag.src && !tag.is_src_first) {
            links_.references.push_back(std::move(*tag.src));
        }
    }

    // Whether a tag begins here: `start` is "<" or "</", the name is in lower case.
    bool next_is_tag(std::string_view start, std::string_view name) const {
        std::string_view rest = html_.substr(at_);
        std::size_t size = start.size() + name.size();
        return rest.size() > size && rest.starts_with(start) &&
               to_lower(rest.substr(start.size(), name.size())) == name &&
               (is_html_space(rest[size]) || rest[size] == '/' || rest[size] == '>');
    }

    // To the end tag of that name, or else to the end. In a script <!-- begins a comment, and a
    // <script> in that has an end tag of its own.
    void skip_text_of(std::string_view name) {
        bool is_in_comment = false;
        bool is_in_inner_script = false;
        while ((at_ = std::min(html_.find_first_of("<-", at_), html_.size())) < html_.size()) {
            if (next_is_tag("</", name)) {
                if (!is_in_inner_script) {
                    at_ += 2;
                    read_end_tag();
                    return;
                }
                is_in_inner_script = false;
            } else if (is_in_comment && next_is_tag("<", name)) {
                is_in_inner_script = true;
            } else if (next_is("<!--") && name == "script") {
                is_in_comment = true;
                ++at_; // its dashes may be those of -->
            } else if (next_is("-->")) {
                is_in_comment = is_in_inner_script = false;
            }
            ++at_;
        }
    }

    std::string_view html_;
    std::size_t at_ = 0;
    Links links_;
};

} // namespace

Links find_links(std::string_view html) {
    return LinkFinder(html).find();
}

std::vector<Url> links_of(std::string_view html, const Url& page) {
    Links links = find_links(html);
    std::optional<Url> base = page;
    if (links.base) {
        base = resolve(page, *links.base);
        if (!base && scheme_of(*links.base) != "https") {
            base = page; // as browsers do with a base that makes no sense
        }
    }
    std::vector<Url> urls;
    std::unordered_set<std::string> seen;
    std::size_t resolved_bytes = 0;
    for (const std::string& reference : links.references) {
        // Where the base is https, so is what is relative to it.
        if (!base && scheme_of(reference) != "http") {
            continue;
        }
        const Url& from = base ? *base : page;
        resolved_bytes += from.path.size() + from.query.size() + reference.size();
        if (resolved_bytes > MAX_RESOLVED_BYTES) {
            break;
        }
        std::optional<Url> url = resolve(from, reference);
        if (url && seen.insert(to_text(*url)).second) {
            urls.push_back(std::move(*url));
        }
    }
    return urls;
}
