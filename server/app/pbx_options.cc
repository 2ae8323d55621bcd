#include "server/app/pbx_options.h"

namespace unipresence {

PbxOptions ToPbxOptions(const config::PbxConfig& pbx) {
  PbxOptions options{.ami = {}, .write_back = pbx.write_back};
  options.ami.name = pbx.name;
  options.ami.host = pbx.host;
  options.ami.port = pbx.port;
  options.ami.username = pbx.username;
  options.ami.secret = pbx.secret;
  options.ami.events = "system,call,user";  // what the tracker reads, and no more
  options.ami.tls = {
      .enabled = pbx.tls.enabled, .ca_file = pbx.tls.ca_file, .verify = pbx.tls.verify};
  return options;
}

}  // namespace unipresence
