//! Known answers and identities of the queueing functions, and the simulator against closed forms.

mod simulator;

use nest_model::queueing::{
    ClosedClass, ClosedPoint, ClosedStation, ServerTarget, approximate_classes, closed_bounds,
    closed_forecast, erlang_b, erlang_c, exact_classes, finite_buffer, general_wait, least_servers,
    mean_response, open_classes, relative_wait, response_quantile, response_tail, seidmann,
    single_server_wait, waiting_quantile,
};
use proptest::prelude::*;
use simulator::{Discipline, Service, Span, Station, System, simulate};

/// Agreement to 1e-9, or to half of the last digit given where fewer are.
fn agrees(found: f64, expected: f64, digits: i32, what: &str) {
    let unit = 10_f64.powf((expected.abs().log10().floor() + 1.0) - f64::from(digits));
    let tolerance = (0.5000001 * unit).max(1e-9 * expected.abs());
    assert!(
        (found - expected).abs() <= tolerance,
        "{what}: {found} for {expected}"
    );
}

/// `docs/method/queueing.md`, "Known answers".
#[test]
fn published_delay_and_loss_probabilities() {
    for (servers, utilisation, expected, digits) in [
        (2, 0.25, 0.1, 15),
        (2, 0.5, 1.0 / 3.0, 15),
        (2, 0.75, 9.0 / 14.0, 15),
        (4, 0.7, 0.428654318, 9),
        (4, 0.9, 0.787753264, 9),
        (4, 0.95, 0.891418995, 9),
        (8, 0.5, 0.0590439947, 9),
        (8, 0.8, 0.457644925, 9),
        (15, 0.5, 0.0112924361, 9),
        (15, 0.75, 0.217989042734, 12),
        (16, 0.9, 0.591343394, 9),
        (32, 0.8, 0.160623214, 9),
        (64, 0.9, 0.310663317, 9),
        (100, 0.95, 0.506456854, 9),
        (1_000, 0.95, 0.0682534154, 9),
        (1_000, 0.98, 0.4122002924, 10),
        (10_000, 0.99, 0.2227769289, 10),
    ] {
        agrees(
            erlang_c(servers, utilisation),
            expected,
            digits,
            &format!("C({servers}, {utilisation})"),
        );
    }
    for (servers, load, expected, digits) in [
        (4, 3.6, 0.270685067, 9),
        (100, 90.0, 0.0269573805, 9),
        (1_000, 1_000.0, 0.0248119176, 9),
    ] {
        agrees(
            erlang_b(servers, load),
            expected,
            digits,
            &format!("B({servers}, {load})"),
        );
    }
    // dC / d rho at (2, 0.25); a central difference is off by the third derivative times h^2 / 6.
    let slope = (erlang_c(2, 0.25 + 1e-5) - erlang_c(2, 0.25 - 1e-5)) / 2e-5;
    assert!((slope - 0.72).abs() < 1e-9, "{slope}");
}

/// `docs/method/queueing.md`, "Known answers": mean, p50, p95, p99, p99.9 in service times.
#[test]
fn published_response_times() {
    for (servers, utilisation, expected) in [
        (1, 0.8, [5.0, 3.465736, 14.978661, 23.025851, 34.538776]),
        (2, 0.9, [5.263158, 3.769159, 15.297239, 23.344430, 34.857355]),
        (4, 0.7, [1.357212, 1.028547, 3.752496, 5.492557, 7.901734]),
        (4, 0.9, [2.969383, 2.254504, 8.165525, 12.193167, 17.950014]),
        (8, 0.9, [1.876916, 1.489355, 4.925147, 7.087347, 10.078262]),
        (16, 0.95, [1.975241, 1.596169, 5.051483, 7.216606, 10.209353]),
        (64, 0.95, [1.183753, 0.900499, 3.232431, 4.842036, 7.144626]),
    ] {
        let what = format!("M/M/{servers} at {utilisation}");
        let found =
            [0.5, 0.95, 0.99, 0.999].map(|quantile| response_quantile(servers, utilisation, quantile));
        assert!(
            (mean_response(f64::from(servers), utilisation) - expected[0]).abs() <= 5.000001e-7,
            "{what}"
        );
        for (found, expected) in found.iter().zip(&expected[1..]) {
            assert!(
                (found - expected).abs() <= 5.000001e-7,
                "{what}: {found} for {expected}"
            ); // six decimals are given
        }
    }
    agrees(waiting_quantile(4, 0.9, 0.99), 10.9164996, 9, "p99 wait");
}

/// `docs/method/queueing.md`, "Known answers".
#[test]
fn published_server_counts() {
    let targets = [
        ServerTarget::Response {
            quantile: 0.95,
            limit: 3.5,
        },
        ServerTarget::Response {
            quantile: 0.99,
            limit: 5.0,
        },
        ServerTarget::Waiting(0.2),
        ServerTarget::Waiting(0.01),
    ];
    for (load, expected) in [
        (10.0, [12, 12, 14, 19]),
        (50.0, [53, 53, 58, 68]),
        (200.0, [203, 203, 216, 235]),
    ] {
        assert_eq!(
            targets.map(|target| least_servers(load, target)),
            expected.map(Some),
            "{load} Erlang"
        );
    }
}

/// `docs/method/queueing.md`, "Known answers": M/G/1 waits, M/M/c/K blocking, number and response, and
/// textbook examples.
#[test]
fn published_general_and_finite_queues() {
    for (cv2, wait) in [(0.0, 2.0), (0.5, 3.0), (1.0, 4.0), (4.0, 10.0)] {
        agrees(single_server_wait(0.8, cv2), wait, 15, "M/G/1");
    }
    for (servers, room, load, expected) in [
        (1, 5, 0.8, [0.0888194987, 1.86833203, 2.56306521]),
        (4, 10, 5.0, [0.230024325, 7.35611156, 1.91073869]),
        (8, 64, 8.0, [0.0165988829, 34.3590261, 4.36737175]),
    ] {
        let found = finite_buffer(servers, room, load).expect("valid");
        let numbers = [found.blocking, found.present, found.response];
        numbers
            .iter()
            .zip(expected)
            .for_each(|(found, expected)| agrees(*found, expected, 9, &format!("M/M/{servers}/{room}")));
    }
    // Bank teller: 5.8 an hour, 10 minutes each.
    let rho = 5.8 / 6.0;
    agrees(rho, 0.966667, 6, "utilisation");
    agrees(mean_response(1.0, rho) / 6.0, 5.0, 12, "hours with one teller");
    agrees(
        5.8 * mean_response(1.0, rho) / 6.0,
        29.0,
        12,
        "customers with one teller",
    );
    agrees(
        relative_wait(2.0, rho / 2.0) * 10.0,
        3.048206,
        7,
        "minutes of wait with two tellers",
    );
    // Call centre: m 4, lambda .95, S 4.
    agrees(mean_response(4.0, 0.95) * 4.0, 21.8284, 6, "call, response");
    agrees(0.95 * mean_response(4.0, 0.95) * 4.0, 20.7370, 6, "call, present");
    agrees(relative_wait(4.0, 0.95) * 4.0, 17.8284, 6, "call, wait");
    // Grocery (Gross, Harris 4.1): 40 an hour, 4 minutes, 4 counters.
    let rho = 40.0 / 60.0;
    agrees(
        relative_wait(4.0, rho) * 4.0,
        1.1352549890,
        11,
        "grocery, wait in minutes",
    );
    agrees(
        40.0 / 60.0 * 4.0 * mean_response(4.0, rho),
        3.4235033259,
        11,
        "grocery, customers",
    );
}

/// Lazowska et al. 7.2, in `docs/method/queueing.md`, "Known answers".
#[test]
fn published_open_classes() {
    let found = open_classes(&[3.0 / 19.0, 2.0 / 19.0], &[vec![1.0, 3.0], vec![2.0, 4.0]]).expect("shapes");
    agrees(found.utilisation[0], 0.368421, 6, "cpu");
    agrees(found.utilisation[1], 0.894737, 6, "disk");
    agrees(found.classes[0].response_s, 30.083333, 8, "R_A");
    agrees(found.classes[1].response_s, 41.166667, 8, "R_B");
}

fn single(demands: &[f64]) -> Vec<ClosedStation> {
    demands
        .iter()
        .map(|demand_s| ClosedStation {
            demand_s: *demand_s,
            servers: 1.0,
        })
        .collect()
}

fn at(points: &[ClosedPoint], customers: usize) -> &ClosedPoint {
    &points[customers - 1]
}

/// `docs/method/queueing.md`, "Known answers".
#[test]
fn published_closed_systems() {
    let lazowska = closed_forecast(&single(&[0.605, 2.1, 1.35]), 15.0, 10);
    for (customers, throughput, response) in [
        (1, 0.0524796641, 4.055),
        (2, 0.103085937, 4.40128838),
        (3, 0.151516492, 4.79982478),
        (4, 0.197432423, 5.26009676),
    ] {
        agrees(
            at(&lazowska, customers).throughput_per_s,
            throughput,
            9,
            "Lazowska X",
        );
        agrees(at(&lazowska, customers).response_s, response, 9, "Lazowska R");
    }
    agrees(
        at(&lazowska, 10).throughput_per_s,
        0.400204623,
        9,
        "Lazowska X(10)",
    );
    let shop = closed_forecast(&single(&[0.0098, 0.0025, 0.00072, 0.0098]), 0.0, 20);
    for (customers, throughput) in [
        (1, 43.8212095),
        (2, 63.424054),
        (5, 83.7551213),
        (10, 92.394525),
        (20, 97.0821405),
    ] {
        agrees(
            at(&shop, customers).throughput_per_s,
            throughput,
            if customers == 2 || customers == 10 { 8 } else { 9 },
            "eBiz X",
        );
    }
    let repair = closed_forecast(&single(&[0.63]), 300.0, 100);
    agrees(at(&repair, 100).throughput_per_s, 0.332453153, 9, "M/M/1//100 X");
    agrees(at(&repair, 100).response_s, 0.794259686, 9, "M/M/1//100 R");
    let three = closed_forecast(&single(&[0.02; 3]), 1.6, 300);
    agrees(
        at(&three, 83).throughput_per_s,
        42.7840923,
        9,
        "three queues X(83)",
    );
    agrees(
        at(&three, 300).throughput_per_s,
        49.5502829,
        9,
        "three queues X(300)",
    );
}

/// `docs/method/queueing.md`, "Known answers": closed M/M/c//N, exactly and by Seidmann's split.
#[test]
fn published_closed_stations_of_several_servers() {
    for (customers, think, service, servers, exact, split) in [
        (20, 10.0, 2.0, 4.0, 1.58230517, 1.53314005),
        (100, 5.0, 0.5, 8.0, 15.8217983, 15.7265079),
        (200, 1.0, 0.05, 16.0, 190.433001, 189.678043),
    ] {
        let station = ClosedStation {
            demand_s: service,
            servers,
        };
        let points = closed_forecast(&[station], think, customers as u32);
        agrees(at(&points, customers).throughput_per_s, exact, 9, "M/M/c//N");
        if customers == 20 {
            agrees(at(&points, 20).response_s, 2.63978678, 9, "M/M/4//20 R");
        }
        let (fast, delay) = seidmann(station);
        let approximate = closed_forecast(&single(&[fast]), think + delay, customers as u32);
        agrees(at(&approximate, customers).throughput_per_s, split, 9, "Seidmann");
    }
}

/// Lazowska et al. p. 142, in `docs/method/queueing.md`, "Known answers".
#[test]
fn published_closed_classes() {
    let class = |demand_s: Vec<f64>| ClosedClass {
        customers: 1,
        think_time_s: 0.0,
        demand_s,
    };
    let found = exact_classes(&[class(vec![1.0, 3.0]), class(vec![2.0, 4.0])]).expect("classes");
    agrees(found.classes[0].throughput_per_s, 3.0 / 19.0, 15, "X_A");
    agrees(found.classes[1].throughput_per_s, 2.0 / 19.0, 15, "X_B");
    agrees(found.classes[0].response_s, 6.333333, 7, "R_A");
    agrees(found.classes[1].response_s, 9.5, 15, "R_B");
}

/// Allen 6.3.4 as in `docs/method/queueing.md`, "Known answers": two kinds of terminals and a batch.
#[test]
fn allens_terminals_and_batch() {
    let class = |customers, think_time_s, demand_s: [f64; 3]| ClosedClass {
        customers,
        think_time_s,
        demand_s: demand_s.to_vec(),
    };
    let classes = [
        class(5, 20.0, [0.5, 0.04, 0.06]),
        class(10, 30.0, [0.4, 0.2, 0.3]),
        class(5, 0.0, [1.2, 0.05, 0.06]),
    ];
    let exact = exact_classes(&classes).expect("classes");
    let approximate = approximate_classes(&classes).expect("settles");
    let expected = [
        (0.209977208, 3.81210821),
        (0.297996645, 3.55742481),
        (0.646510299, 7.73382885),
    ];
    for (found, (throughput, response)) in exact.classes.iter().zip(expected) {
        agrees(found.throughput_per_s, throughput, 9, "Allen X");
        agrees(found.response_s, response, 9, "Allen R");
    }
    // The first is given to eight decimals.
    assert!((exact.utilisation[0] - 0.99999962).abs() <= 5.000001e-9);
    agrees(exact.utilisation[1], 0.100323932, 9, "Allen U");
    agrees(exact.utilisation[2], 0.140788244, 9, "Allen U");
    let expected = [
        (0.209777223, 3.83480879),
        (0.297893733, 3.56901767),
        (0.620298137, 8.06064004),
    ];
    for (found, (throughput, response)) in approximate.classes.iter().zip(expected) {
        agrees(found.throughput_per_s, throughput, 9, "Schweitzer X");
        agrees(found.response_s, response, 9, "Schweitzer R");
    }
}

proptest! {
    #[test]
    fn a_response_quantile_is_the_inverse_of_its_tail(
        servers in 1_u32..200,
        rho in 0.01_f64..0.995,
        quantile in 0.01_f64..0.9999,
    ) {
        let time = response_quantile(servers, rho, quantile);
        prop_assert!((response_tail(servers, rho, time) / (1.0 - quantile) - 1.0).abs() < 1e-9);
        prop_assert!(time + 1e-9 >= waiting_quantile(servers, rho, quantile));
    }

    #[test]
    fn the_mean_is_the_integral_of_the_tail(servers in 1_u32..50, rho in 0.01_f64..0.95) {
        // Simpson's rule over sixty relaxation times.
        let end = 60.0 * (1.0 + 1.0 / (f64::from(servers) * (1.0 - rho)));
        let width = end / 20_000.0;
        let sum: f64 = (0..=20_000).map(|index| {
            let weight = if index == 0 || index == 20_000 { 1.0 } else if index % 2 == 1 { 4.0 } else { 2.0 };
            weight * response_tail(servers, rho, f64::from(index) * width)
        }).sum();
        prop_assert!((sum * width / 3.0 / mean_response(f64::from(servers), rho) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn more_load_waits_more_and_more_servers_wait_less(servers in 1_u32..500, rho in 0.01_f64..0.98) {
        prop_assert!(erlang_c(servers, rho) <= erlang_c(servers, rho + 0.01)); // 0 at many idle servers
        prop_assert!(erlang_c(servers + 1, rho) <= erlang_c(servers, rho));
        prop_assert!(erlang_b(servers + 1, 300.0 * rho) <= erlang_b(servers, 300.0 * rho));
        prop_assert!(
            general_wait(f64::from(servers), rho, 1.0, 2.0)
                >= general_wait(f64::from(servers), rho, 1.0, 1.0)
        );
    }

    #[test]
    fn fewest_servers_are_enough_and_one_less_is_not(load in 0.1_f64..3_000.0, share in 0.001_f64..0.9) {
        let servers = least_servers(load, ServerTarget::Waiting(share)).expect("reachable");
        prop_assert!(erlang_c(servers, load / f64::from(servers)) <= share);
        prop_assert!(servers == 1 || erlang_c(servers - 1, load / f64::from(servers - 1)) > share);
    }

    #[test]
    fn ten_thousand_servers_stay_in_range(servers in 5_000_u32..10_000, rho in 0.01_f64..0.9999) {
        let (delayed, blocked) = (erlang_c(servers, rho), erlang_b(servers, f64::from(servers) * rho));
        prop_assert!((0.0..=1.0).contains(&delayed) && (0.0..=1.0).contains(&blocked) && blocked <= delayed);
        prop_assert!(response_quantile(servers, rho, 0.99).is_finite());
        let full = finite_buffer(servers, servers, f64::from(servers) * rho).expect("valid");
        prop_assert!((full.blocking - blocked).abs() <= 1e-9 * blocked.max(1e-290));
    }

    #[test]
    fn a_finite_room_keeps_littles_law_and_its_servers(
        servers in 1_u32..50,
        spare in 0_u32..200,
        load in 0.01_f64..200.0,
    ) {
        let found = finite_buffer(servers, servers + spare, load).expect("valid");
        let admitted = load * (1.0 - found.blocking);
        // By subtraction the admitted rate keeps only the digits that blocking leaves.
        prop_assert!(
            (found.present / found.response / admitted - 1.0).abs() < 1e-9 + 1e-15 / (1.0 - found.blocking)
        );
        prop_assert!(admitted <= f64::from(servers) * (1.0 + 1e-9) && found.response >= 1.0 - 1e-9);
    }

    #[test]
    fn closed_systems_obey_their_laws(
        demands in prop::collection::vec((0.001_f64..2.0, 1_u32..12), 1..4),
        think in 0.0_f64..20.0,
        customers in 1_u32..200,
    ) {
        let stations: Vec<ClosedStation> = demands
            .iter()
            .map(|(demand_s, servers)| ClosedStation {
                demand_s: *demand_s,
                servers: f64::from(*servers),
            })
            .collect();
        let points = closed_forecast(&stations, think, customers);
        let mut before = 0.0;
        for point in &points {
            let (x, n) = (point.throughput_per_s, f64::from(point.customers));
            prop_assert!(
                (x * (point.response_s + think) / n - 1.0).abs() < 1e-9,
                "Little's Law"
            );
            for (station, used) in stations.iter().zip(&point.utilisation) {
                prop_assert!(
                    (used * station.servers / (x * station.demand_s) - 1.0).abs() < 1e-12
                        && *used <= 1.0 + 1e-9
                );
            }
            let bounds = closed_bounds(&stations, think, n).expect("demand");
            prop_assert!(
                x <= bounds.most_throughput_per_s * (1.0 + 1e-9)
                    && x >= bounds.least_throughput_per_s * (1.0 - 1e-9)
            );
            prop_assert!(point.response_s >= bounds.least_response_s * (1.0 - 1e-9));
            prop_assert!(x >= before * (1.0 - 1e-12), "more customers never complete less");
            before = x;
        }
    }

    #[test]
    fn several_classes_of_one_kind_are_one_class(
        customers in 1_u32..12,
        other in 1_u32..12,
        think in 0.0_f64..5.0,
        demand in 0.01_f64..1.0,
    ) {
        let class = |customers| ClosedClass {
            customers,
            think_time_s: think,
            demand_s: vec![demand, 0.3],
        };
        let both = exact_classes(&[class(customers), class(other)]).expect("classes");
        let together = closed_forecast(&single(&[demand, 0.3]), think, customers + other);
        let sum: f64 = both.classes.iter().map(|class| class.throughput_per_s).sum();
        prop_assert!((sum / at(&together, (customers + other) as usize).throughput_per_s - 1.0).abs() < 1e-9);
    }
}

const LONG: Span = Span {
    warm_up_s: 200.0,
    windows: 10,
    window_s: 10_000.0,
};

/// Mean response time over eight seeds.
fn mean_of(servers: usize, discipline: Discipline, cv2: f64, rho: f64) -> f64 {
    let system = System {
        stations: vec![Station::new(
            servers,
            discipline,
            vec![Service { mean_s: 1.0, cv2 }],
        )],
    };
    let one = |seed: u64| {
        let run = simulate(&system, &[rho * servers as f64], LONG, seed);
        let utilisation = run.utilisation(0, servers, LONG);
        assert!((utilisation / rho - 1.0).abs() < 0.05, "{utilisation} for {rho}");
        run.mean_s(0)
    };
    (1..=8).map(one).sum::<f64>() / 8.0
}

/// Closed forms: M/G/1 by Pollaczek and Khinchine, M/G/1 processor sharing `S / (1 - rho)` whatever the
/// distribution, M/M/4 (`docs/method/queueing.md`, "Known answers"). Eight times a hundred thousand seconds
/// leave one or two per cent of noise.
#[test]
fn the_simulator_agrees_with_closed_forms() {
    for (servers, discipline, cv2, rho, expected) in [
        (1, Discipline::FirstCome, 0.0, 0.7, 1.0 + 0.7 * 0.5 / 0.3),
        (1, Discipline::FirstCome, 4.0, 0.6, 1.0 + 0.6 * 2.5 / 0.4),
        (1, Discipline::Sharing, 0.25, 0.7, 1.0 / 0.3),
        (1, Discipline::Sharing, 4.0, 0.6, 1.0 / 0.4),
        (4, Discipline::FirstCome, 1.0, 0.7, 1.357212),
        (4, Discipline::Sharing, 1.0, 0.7, 1.357212),
    ] {
        let mean = mean_of(servers, discipline, cv2, rho);
        println!("{servers} {discipline:?} {cv2} {rho}: {mean} for {expected}");
        assert!(
            (mean / expected - 1.0).abs() < 0.05,
            "{servers} {discipline:?} {cv2} {rho}: {mean} for {expected}"
        );
    }
}

#[test]
fn a_permit_is_held_until_the_next_station_is_done() {
    // One permit around one of four processors: behaviour 0 sees M/M/1, behaviour 1 never waits for the
    // permit.
    let lock = Station {
        held: true,
        ..Station::new(
            1,
            Discipline::FirstCome,
            vec![
                Service {
                    mean_s: 1e-9,
                    cv2: 0.0,
                },
                Service::NONE,
            ],
        )
    };
    let processor = Station::new(
        4,
        Discipline::FirstCome,
        vec![
            Service {
                mean_s: 1.0,
                cv2: 1.0,
            },
            Service {
                mean_s: 0.5,
                cv2: 1.0,
            },
        ],
    );
    let run = simulate(
        &System {
            stations: vec![lock, processor],
        },
        &[0.7, 0.2],
        LONG,
        11,
    );
    assert!((run.mean_s(0) * 0.3 - 1.0).abs() < 0.1, "{}", run.mean_s(0));
    assert!((run.mean_s(1) / 0.5 - 1.0).abs() < 0.05, "{}", run.mean_s(1));
    assert!((run.utilisation(0, 1, LONG) / 0.7 - 1.0).abs() < 0.05);
    assert!((run.utilisation(1, 4, LONG) / 0.2 - 1.0).abs() < 0.05);
}

#[test]
fn equal_seeds_give_equal_runs_and_a_full_room_turns_away() {
    let station = Station {
        room: Some(5),
        ..Station::new(
            1,
            Discipline::FirstCome,
            vec![Service {
                mean_s: 1.0,
                cv2: 1.0,
            }],
        )
    };
    let system = System {
        stations: vec![station],
    };
    let run = simulate(&system, &[0.8], LONG, 3);
    assert_eq!(run, simulate(&system, &[0.8], LONG, 3));
    let failed: u64 = run.windows.iter().map(|window| window.failed[0]).sum();
    let completed: u64 = run.windows.iter().map(|window| window.completed[0]).sum();
    let blocked = failed as f64 / (failed + completed) as f64;
    // `docs/method/queueing.md`, "Known answers", M/M/1/5
    assert!((blocked / 0.0888194987 - 1.0).abs() < 0.1, "{blocked}");
}
