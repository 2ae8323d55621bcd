#ifndef UNIPRESENCE_TESTS_UNIT_AMI_TEST_CERTIFICATE_H_
#define UNIPRESENCE_TESTS_UNIT_AMI_TEST_CERTIFICATE_H_

// A self-signed certificate made on the spot.

#include <cstdio>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

namespace unipresence::ami {

struct TestCertificate {
  std::string certificate;  // PEM
  std::string key;          // PEM
};

// `names` as in an extension: "IP:127.0.0.1,DNS:pbx.example".
inline TestCertificate MakeCertificate(const std::string& names) {
  const auto check = [](bool ok) {
    if (!ok) throw std::runtime_error("OpenSSL cannot make a test certificate");
  };
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<X509, decltype(&X509_free)> x509(X509_new(), X509_free);
  check(key != nullptr && x509 != nullptr);
  X509_set_version(x509.get(), 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x509.get()), 1);
  X509_gmtime_adj(X509_getm_notBefore(x509.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(x509.get()), 3600);
  X509_set_pubkey(x509.get(), key.get());
  X509_NAME* subject = X509_get_subject_name(x509.get());
  X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("test"), -1, -1, 0);
  X509_set_issuer_name(x509.get(), subject);
  X509_EXTENSION* alternative =
      X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
  check(alternative != nullptr && X509_add_ext(x509.get(), alternative, -1) == 1);
  X509_EXTENSION_free(alternative);
  check(X509_sign(x509.get(), key.get(), EVP_sha256()) > 0);

  const auto pem = [&](auto write) {
    const std::unique_ptr<BIO, decltype(&BIO_free)> bio(BIO_new(BIO_s_mem()), BIO_free);
    check(bio != nullptr && write(bio.get()) == 1);
    char* data = nullptr;
    const long size = BIO_get_mem_data(bio.get(), &data);
    return std::string(data, static_cast<std::size_t>(size));
  };
  return {pem([&](BIO* bio) { return PEM_write_bio_X509(bio, x509.get()); }), pem([&](BIO* bio) {
            return PEM_write_bio_PrivateKey(bio, key.get(), nullptr, nullptr, 0, nullptr, nullptr);
          })};
}

}  // namespace unipresence::ami

#endif  // UNIPRESENCE_TESTS_UNIT_AMI_TEST_CERTIFICATE_H_
