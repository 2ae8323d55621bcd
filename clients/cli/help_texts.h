#ifndef UNIPRESENCE_CLIENTS_CLI_HELP_TEXTS_H_
#define UNIPRESENCE_CLIENTS_CLI_HELP_TEXTS_H_

// What `--help` says below the flags, where there is more to say than a line.

namespace unipresence::cli {

inline constexpr char kRootFooter[] = R"(Examples:
  unipresence login alice --password-file alice.txt --hold &
  unipresence select deskphone
  unipresence get presence alice -o json
  unipresence watch
  unipresence explain alice
  unipresence wait alice AVAILABLE --timeout 5m

A user is named by the id: --user USER says in every command whose phones or presence are
meant, and where nothing else could stand USER alone does. Without it you are meant.

Results go to stdout: tables for people, or with -o json one JSON object per line. Errors go to
stderr. In a terminal tables leave out and cut what does not fit; -o wide and pipes have all of it.
Times are those of the local zone, which is named; -o json has UTC. Every flag can be given by an
environment variable, which its help names.

)";

inline constexpr char kLoginFooter[] =
    R"(Without --hold the session ends by itself when no command used it for the server's time-to-live (20 s
by default). With --hold this command stays and keeps the session alive; it prints a line once it
does. Ended by SIGINT, SIGTERM or SIGHUP, or when the session was ended by `unipresence logout`, it
logs out and exits with 0. Killed, its session expires.

Examples:
  unipresence login alice
  unipresence login alice --password-file alice.txt --hold
  unipresence login admin --client --background)";

inline constexpr char kForwardFooter[] =
    R"(Three forwardings, each with its number: unconditional, busy and no-answer. A number is kept while
its forwarding is off.

Examples:
  unipresence forward get
  unipresence forward set no-answer 2000
  unipresence forward set busy --off
  unipresence forward clear)";

inline constexpr char kUsersFooter[] =
    R"(Everybody may list and read users; all else is for administrators.

Examples:
  unipresence users list --query martin
  unipresence users get alice
  unipresence users add --file users.yaml --skip-existing
  unipresence users update bob --exten 1003
  unipresence users delete bob)";

inline constexpr char kWaitFooter[] =
    R"(Ends with exit code 0 as soon as the user has one of the states, also if that is so at once, and
prints the presence; with 11 if that did not happen within --timeout. A state that is stale, because
the link to the PBX is down, does not count.

Examples:
  unipresence wait alice AVAILABLE
  unipresence wait alice AVAILABLE,ON_HOLD --timeout 30s && unipresence call 1000)";

inline constexpr char kForwardSetFooter[] =
    R"(unconditional applies to every call, busy when the device in use is busy, no-answer when it does not
answer in time or cannot be reached. While unconditional is on, no device rings.

Examples:
  unipresence forward set unconditional 2000
  unipresence forward set no-answer +33123456789 --user alice
  unipresence forward set busy --off        keep the number for later
  unipresence forward set busy              forward there again)";

inline constexpr char kGetPresenceFooter[] =
    R"(With -o json one JSON object per line, so a single object for one user: user, state, hint,
device_in_use, selected_device, logged_in, rule, stale, do_not_disturb, emitting, lines[{kind,
device, state, holding, held, pbx}], active_forwardings, revision, update_time. Users that do not
exist are named on stderr, and the exit code is 5; the others are printed.

Examples:
  unipresence get presence
  unipresence get presence alice -o json | jq -r .state)";

inline constexpr char kWatchFooter[] =
    R"(First the present value of each user, then a line saying that these are complete, then each change
as it happens: rows in which something that you see changed, or with --all-changes all of them. Ends
when it is interrupted or its output is closed. A lost connection is taken up again where it broke.
Names and numbers are up to a minute old.

With -o json one object per line and change. Field `event` is UPDATE (sequence, refresh,
merged_changes (2 or more: so many changes in one, because this reader was slow), previous_state,
time, cause{kind, pbx, device, device_state, time}, and the fields of `get presence`), REMOVED (the user
exists no longer), CURRENT (what was printed is complete), RESET (forget what was printed; all values
follow), DISCONNECTED (trying again), or with --mailboxes MAILBOX (the fields of `voicemail`; mailbox
is null when the user has no box any more). `refresh` marks values that are no change.

Examples:
  unipresence watch
  unipresence watch alice bob -o json
  unipresence watch --mailboxes
  unipresence watch --zeromq tcp://127.0.0.1:5561 tcp://127.0.0.1:5562)";

inline constexpr char kAsteriskRenderFooter[] =
    R"(For administrators. The files hold the SIP secrets and the voicemail passwords. Each says which of
Asterisk's own files has to #include it; deploy/asterisk/README.md tells the rest. The same users give
the same files. With -o json one object per file: path, content; with --output-dir: event WRITTEN, path.

Examples:
  unipresence asterisk render
  unipresence asterisk render --pbx main --output-dir rendered)";

inline constexpr char kCallsFooter[] =
    R"(With --watch the whole list is printed at first and after each change: replace what you show. It
ends when it is interrupted or its output is closed.

With -o json one call per line: id, user, kind, device, pbx, direction (EMITTED, RECEIVED),
other_party{number, name, user}, state (ORIGINATING, DIALING, RINGING, ANSWERED), holding, held,
start_time, answer_time, transfer_call, linked_id. With --watch one line per list: event (CALLS with
calls[] and stale, or DISCONNECTED: trying again).

Examples:
  unipresence calls
  unipresence calls --watch -o json)";

inline constexpr char kTransferFooter[] =
    R"(Without a flag the call goes to NUMBER at once, and your part ends. With --attended it is held while
you talk to NUMBER on the same phone; then --complete or --cancel. If NUMBER does not answer or hangs
up, the call comes back by itself.

Examples:
  unipresence transfer main/1795397182.18 1003
  unipresence transfer main/1795397182.18 1003 --attended
  unipresence transfer main/1795397182.18 --complete)";

inline constexpr char kAsteriskApplyFooter[] =
    R"(For administrators. The server looks whether Asterisk has an endpoint, AOR, auth, hint or voicemail
box of these names that is not from these files: then nothing is written. Else it writes the files into
the PBX's configuration_folder, has Asterisk reload, and looks whether Asterisk holds these files and no
others, also when nothing changed. If not, it puts the former files back. Prints what changed, with
secrets as ***, and on stderr which users were left out because something of them cannot be written.
With -o json one object: outcome (APPLIED, VALIDATED, UNCHANGED), changes[{path, diff, truncated}],
skipped_users[{user, message}].

With --dry-run nothing is written and Asterisk loads nothing. Names are looked for in what it holds now:
hints and boxes that were put into its files by hand since it last loaded them are not seen, what was
taken out of them since still counts, and while the link is down nothing is looked for.

Examples:
  unipresence asterisk apply --dry-run
  unipresence asterisk apply)";

inline constexpr char kUsersAddFooter[] =
    R"(The file is a YAML list in the format of the server's users_file:

  - id: alice
    display_name: Alice Martin
    exten: "1001"
    context: default
    line_type: unique_account     # sip, webrtc or unique_account
    username: alice
    password: correct horse       # 8 bytes or more; without one nobody can log in
    ring_seconds: 20              # default: 30
    voicemail: {number: 1001, password: 4711, email: alice@example.org}
    lines:
      - {kind: deskphone, pbx: main, device: PJSIP/alice}
      - {kind: webrtc, pbx: main, device: PJSIP/alice_w}

Errors in the file are all told, and then nothing is added. Users are added one by one: if the server
refuses one, this is told, and the others are added nevertheless.

Examples:
  unipresence users add --file users.yaml --skip-existing
  unipresence users add bob --exten 1002 --context default --pbx main --deskphone PJSIP/bob \
    --ring-seconds 20 --voicemail 1002)";

}  // namespace unipresence::cli

#endif  // UNIPRESENCE_CLIENTS_CLI_HELP_TEXTS_H_
