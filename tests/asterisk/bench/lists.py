"""The list actions with which a server learns the present state of an Asterisk."""
LISTS = ["DeviceStateList", "ExtensionStateList", "PJSIPShowEndpoints", "PJSIPShowContacts", "PJSIPShowAors",
         "CoreShowChannels", "Status", "Parkinglots", "ParkedCalls", "QueueStatus", "BridgeList"]


def ask_all(listener):
    """Asks each list and two plain questions; the answers are in the stream of the listener."""
    for name in LISTS:
        listener.listing(name)
    listener.action("MailboxCount", Mailbox="1000@default")
    listener.action("CoreStatus")
