"""Every storage that the contract is asked of: what stands for it in the tests, and what that does not prove."""

from typing import NamedTuple


class Backend(NamedTuple):
    """`at`: whose program answers. `unproven`: what holds of it by what others say, and was not seen."""

    title: str
    at: str
    unproven: str


BACKENDS = {
    "memory": Backend("memory", "this process", "anything that has to last: it is for tests"),
    "file": Backend("local", "this machine's file system", "network file systems; a disk that lies about fsync"),
    "s3": Backend(
        "RADOS",
        "Ceph's RADOS Gateway 16.2, a real S3 server",
        "Amazon's own server; x-amz-checksum-sha256, which Ceph ignores and completing makes up for; roles; R2",
    ),
    "azure": Backend(
        "Azurite",
        "Azurite 3.35, Microsoft's emulator",
        "Azure; an identity's rights; lifecycle; Front Door. A ticket binds no size there either: completing does",
    ),
    "gcs": Backend(
        "GCS",
        "gcp-storage-emulator, behind a front of the tests' own",
        "Google: signatures, sizes and conditions are the front's, from Google's description; roles, CORS, lifecycle",
    ),
    "uploadthing": Backend(
        "UploadThing",
        "a stand-in of the tests' own",
        "UploadThing. Signatures and names equal its SDK's; that a second file under a name is refused when two come at"
        " once is the stand-in's doing, and documented nowhere",
    ),
}
