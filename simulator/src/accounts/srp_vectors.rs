//! The vectors of protocol/auth.md §1.8, seen from the server.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use num_bigint::BigUint;

use super::{Exchange, Form, G, N, Proof, hex, padded, verifier};
use crate::options::Protocol;

const NAME: &str = "jane.appleseed@example.com";
const PASSWORD: &str = "Correct-Horse-9";
const ITERATIONS: u32 = 20_309;
const SALT: [u8; 16] = [0x5a, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15];
const CLIENT_EXPONENT: &str = "fd159a3abe9c60b96e8fb4b2bbeddfbd5887365dcd8644eaf8667b4477b691d7";
const SERVER_EXPONENT: &str = "95553241979069f8cf25a1532f03129870750509d8526df7bbfd11a9b82948f0";
const A: &str = "\
0f21183e3b452dcf3d5eeef94e3650c584d6485a79584a57c161180b9dd0e3ccdeee78ba57fe0a566192f9413e4995c23830\
5e62046b5516c13d49f7e0b16efbf8c6c651aa9db97bc32a68ccb37f6453416394d3548ef204bb35f2cb56d4c7c8cb1928a1\
b7740c5ea2faf24610dfb22e31e46c69bbdd6488892f78a21d3fa3c8c0f94232d20ff3930d56c30ee9b847f6961706261032\
2f2672c279a4568ab84981aeac3804a7e0cd75297efd19c7f3a8a6cbef7748a6d7db3c69b8560d5e2ff16cc6409563ca8953\
b2caacf8a2321b9d14eff81e8c6f04d3b0ba230d55149c6e49d358faa318c3defcc8edd7476627ec042baf5e4957e41cc237\
f1f6cb1b3115";

/// The numbers one protocol gives.
struct Vector {
    protocol: Protocol,
    verifier: &'static str,
    b: &'static str,
    key: &'static str,
    m1: &'static str,
    m2: &'static str,
}

const S2K: Vector = Vector {
    protocol: Protocol::S2k,
    verifier: "\
54f11977ea5e98f122df49c15093d08063e3a378fb55dd8db2c841f9abdd16655f70c8714fe83b999373e00616a2591903b3\
890d3acbcfd2ba0757cd4d6384c5848c3907347eecee98077bbaaa2d09b3b82f469fea56bec8aaa6dd2de5694240dc4438bd\
fdd40df72e4568498956844f6b74deab3dafd2f1ffb8a62209afb36b4e74f8be54163f7ffc7e4bdf57a2bfabe6592f10c6d6\
974e43281e6a7760282e7e5057f52ac1e53fd1eddf842bc07fc17571c1d508a476a88120ba42ef6bfff2817831486ac882a2\
41e1a0b5aa568ce2a68bc63104cc1f3eda50f6af2168e3cca9bd62d0a622344676ef86b4ffac4250b27c8b235ba2f204ff8b\
dc4e6b12c348",
    b: "\
8ad32c6d681327fb76c715daaa13877267e5375a1f3073476c5e85886f8fcffd5c4e826b4a6c93126832cca3d6624a1e470e\
29957e4e8007eb874389296e257207e791d51a460741e0f89685b49c56b9f239c09493a7a8021677cfbe9fc2f88c7b9bc810\
0adbcf9540bee3755475673e56746f389ce28b728fbcdcb2909e63b758b54a9b31f9ad5e9b04b9e86e48d4780dea5537d638\
6f4983a06c6a12542bae5ed1a770b7902e59b84344321a2e4854fc3763a245f1288bb7dd201ec940ee5bbd9fdc4b2a206f01\
30d4ceec8196bf6b80fa872f5bf6c1b3f5a06e834afbc791a8e9fb8754f5817439167b4264292da6d932a68c0f766f692225\
675b480bcaa6",
    key: "dac7168e3859623bd6f53da0316d89782ab1b4f59eea8f57c9ddbf2f3a8c6f42",
    m1: "be38302c80e402bbb5c690254ae3abbc3eb471f0fab79eb336899c46cb07c1dd",
    m2: "9f891d7b42e5b585c1dea018583f483f5c853297f861a747828eba615ed3ab77",
};

const S2K_FO: Vector = Vector {
    protocol: Protocol::S2kFo,
    verifier: "\
aa09e5e1ea180dd7425e152699ba41b276cced9c881eaa1092bc0715da711703b0d450d1a33e4d37b2dad4dce76525e09873\
c8fa5629ad43c13cb19e39f625dddb30df47d2b0c02ba3bc3c4ea81aec7feca043b7b76104e1d49aa8fe2301aecf088df053\
0cdba2ed6f718112bd1746312ef08edc9764033ee29793527c214507b8cb729b49cad4682d9ba1ba31108da4cd1eff74c8d6\
4526a2fcea4cd7aba50e7a67909a4b4282273a978ce553d064300ae15cdb73c53e5a0a7e5db69cb7d3641b9d801ac3cfdb21\
a5bf47d6aa9d4e0b13fd25f3f1b3aebd4c9c1442077f340cf20fe142856679249dc3b7cb336344c2eb8940c36a30de45ea65\
3032706cdd64",
    b: "\
582604e6089bd58cfdd19514da29a091a306a0441b6daae2e451415e848006305c7a0f7f8a0c36ff14f9edcb853248ef9f75\
c149862f08c78fb627710cbc8c068556072e2cbce28b48c016757474cba36ec75783776f17d324c751c78ba99198985d115f\
dda955ad22d3fd0ec42098db12042f790140c04896eb4efdeaf65ef097fadbdbe18c34a7a55f2ea883bf4db9cb9ced9c86ce\
cba7c3e85432cb169ad5fd46bace707bb17a288c255d4808295086a33f2970447d851c8295a5548fa3abc65f1134c0a6abde\
8c3340beca8d751236beded17070cc1b975698e56d1e6985932e1f248b9711cfeea55b21dde3a24bfd0a7ddf08b14660eee4\
8252d3c50e2f",
    key: "e937545a315f4c9e2e8ae5a03de0c84bf1e072a6b4d8a943c8844b62c0c62b07",
    m1: "c29ebff2537bf7202339b95e73d7eb876e9accdf725a0d2d5e15975a864c80cb",
    m2: "fcbf27cbc37ce009d4279f77793bf409de935819a5022f8bc257b871b3b2792d",
};

fn hexadecimal(text: &str) -> BigUint {
    BigUint::parse_bytes(text.as_bytes(), 16).unwrap()
}

/// The exchange of the s2k vector with the exponents moved.
fn moved(client: u32, server: u32) -> Exchange {
    let a = G.modpow(&(hexadecimal(CLIENT_EXPONENT) + client), &N);
    let verifier = verifier(PASSWORD, &SALT, ITERATIONS, Protocol::S2k);
    Exchange::new(&a.to_bytes_be(), &verifier, &(hexadecimal(SERVER_EXPONENT) + server)).unwrap()
}

fn m1(exchange: &Exchange, form: Form, name: &str) -> String {
    BASE64_STANDARD.encode(exchange.proof(form, name, &SALT).m1)
}

#[test]
fn both_protocols_give_the_published_numbers() {
    for vector in [S2K, S2K_FO] {
        let verifier = verifier(PASSWORD, &SALT, ITERATIONS, vector.protocol);
        assert_eq!(verifier, hexadecimal(vector.verifier));
        let exchange = Exchange::new(&padded(&hexadecimal(A)), &verifier, &hexadecimal(SERVER_EXPONENT)).unwrap();
        assert_eq!(hex(&exchange.b()), vector.b);
        assert_eq!(hex(&exchange.key(Form::Padded)), vector.key);
        let proof = exchange.proof(Form::Padded, NAME, &SALT);
        assert_eq!((hex(&proof.m1).as_str(), hex(&proof.m2).as_str()), (vector.m1, vector.m2));
        assert_eq!(exchange.form_of(&proof, NAME, &SALT), Some(Form::Padded));
    }
}

#[test]
fn leading_zeros_are_taken_padded_and_shortest() {
    let cases = [
        (290, 0, "/buA6/sqhI1DnDzpXMiEV1nqJMBAw8X5HdacHD3zt4U=", "LpyCuLaEJQ7Y71uAZrU7xEsMXkiVrH7JJkzJzPuLYTQ="),
        (0, 399, "z2Zbptg7WwRt3XsOsK87ZkCDVgHxVXjWtOCNxDpav04=", "N/jQl2VevVdDxzwv6XdS7CBhdxgViE/vNd4EgCZPykk="),
        (331, 0, "nrK9kM2eci35fmt29VJX4HrPF7+HaKFhAPGdUrHh7M0=", "HGUrpOa5crD9l1LTu3I1RXLwRU6NzYxMWlru7qFzc5c="),
    ];
    for (client, server, long, short) in cases {
        let exchange = moved(client, server);
        assert_eq!(m1(&exchange, Form::Padded, NAME), long);
        assert_eq!(m1(&exchange, Form::Shortest, NAME), short);
        assert_eq!(exchange.b().len(), 256);
        for form in [Form::Padded, Form::Shortest] {
            let proof = exchange.proof(form, NAME, &SALT);
            assert_eq!(exchange.form_of(&proof, NAME, &SALT), Some(form));
        }
    }
}

#[test]
fn the_session_key_of_a_short_secret_has_two_forms() {
    let exchange = moved(331, 0);
    assert_eq!(BASE64_STANDARD.encode(exchange.key(Form::Padded)), "LooNZcV5g48AEq/B/fvyePs0xwY32psNXxyS4ayN31U=");
    assert_eq!(BASE64_STANDARD.encode(exchange.key(Form::Shortest)), "cGC/UEEdOyllyIhH8X1GPtekOGMQV98ufzS18yWIuOo=");
}

#[test]
fn a_name_hashed_as_typed_is_another_proof() {
    let exchange = moved(0, 0);
    let typed = "Jane.Appleseed@Example.com";
    assert_eq!(m1(&exchange, Form::Padded, typed), "7lvNKJQkhVpBbs2f4eM34wbNtJTvO1kKnzneAy2DSec=");
    assert_eq!(exchange.form_of(&exchange.proof(Form::Padded, typed, &SALT), NAME, &SALT), None);
}

#[test]
fn half_a_proof_is_none() {
    let exchange = moved(0, 0);
    let Proof { m1, .. } = exchange.proof(Form::Padded, NAME, &SALT);
    assert_eq!(exchange.form_of(&Proof { m1, m2: vec![0; 32] }, NAME, &SALT), None);
}

#[test]
fn worthless_public_values_are_refused() {
    let verifier = hexadecimal(S2K.verifier);
    let exponent = hexadecimal(SERVER_EXPONENT);
    for worthless in [BigUint::ZERO, N.clone(), &*N * 2u8, &*N + 1u8] {
        assert!(Exchange::new(&worthless.to_bytes_be(), &verifier, &exponent).is_none());
    }
}
