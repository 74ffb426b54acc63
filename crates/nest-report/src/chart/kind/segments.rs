//! What each kind of customers pays and costs: cost, fees and what is left of the price.

use nest_data::projection::SegmentProjection;

use crate::{
    chart::{
        about::{
            subject::Subject,
            text::{float, name, sentence, short, value},
        },
        draw::{
            axis,
            rows::{Columns, RowText},
            scale::{Scale, rounded_up},
            sheet::{Anchor, Edges, MUTED, STRONG, Sheet},
        },
        figure::{Caption, Figure, FigureKind, compose},
    },
    error::ReportError,
    words,
};

/// Half the height of a bar, in pixels.
const HALF: f64 = 8.0;
/// Where the rows begin, in pixels.
const TOP: f64 = 64.0;

/// Money of one customer a month.
struct Money {
    infrastructure: f64,
    fees: f64,
    price: Option<f64>,
    floor: f64,
}

impl Money {
    fn of(segment: &SegmentProjection) -> Self {
        Self {
            infrastructure: value(&segment.per_1000) / 1_000.0,
            fees: float(segment.fees_per_1000) / 1_000.0,
            price: segment.price.map(float),
            floor: float(segment.floor_price),
        }
    }

    fn cost(&self) -> f64 {
        self.infrastructure + self.fees
    }
}

/// The figure; `None` without segments.
pub(crate) fn figure(subject: &Subject) -> Result<Option<Figure>, ReportError> {
    let segments = &subject.projection.segments;
    if segments.is_empty() {
        return Ok(None);
    }
    let caption = Caption {
        kind: FigureKind::Segments,
        slug: "segments",
        title: title(subject, segments),
        key:
            "Whole bar: what one customer pays. Blue: infrastructure. Grey: fees. Open: what is left. Tick: \
              least price that leaves the margin you ask for."
                .to_owned(),
        description: segments
            .iter()
            .map(|segment| describe(subject, segment))
            .collect::<Vec<_>>()
            .join(" "),
    };
    compose(caption, |width| draw(subject, segments, width)).map(Some)
}

fn title(subject: &Subject, segments: &[SegmentProjection]) -> String {
    let below = segments.iter().find(|segment| {
        let money = Money::of(segment);
        money.price.is_some_and(|price| price < money.floor)
    });
    if let Some(segment) = below {
        let money = Money::of(segment);
        return format!(
            "{} pays {}, less than the {} that {}",
            words::capital(&short(&segment.name)),
            words::amount(money.price.unwrap_or(0.0), subject.currency()),
            words::amount(money.floor, subject.currency()),
            segment.target_margin.map_or_else(
                || "covers its cost".to_owned(),
                |target| format!("leaves your {} margin", words::share(target))
            )
        );
    }
    let cost = |segment: &&SegmentProjection| Money::of(segment).cost();
    match segments
        .iter()
        .max_by(|left, right| cost(left).total_cmp(&cost(right)))
    {
        Some(most) if segments.len() > 1 => {
            format!(
                "One customer of {} costs most: {} a month",
                short(&most.name),
                words::amount(cost(&most), subject.currency())
            )
        }
        _ => "What one customer pays and costs".to_owned(),
    }
}

fn margin(segment: &SegmentProjection) -> String {
    segment.margin.map_or_else(
        || "no price".to_owned(),
        |margin| format!("{} left", words::share(margin)),
    )
}

/// The margin that the study asks for, after a comma.
fn asked(segment: &SegmentProjection) -> String {
    segment.target_margin.map_or_else(String::new, |target| {
        format!(", {} asked for", words::share(target))
    })
}

fn describe(subject: &Subject, segment: &SegmentProjection) -> String {
    let (money, currency) = (Money::of(segment), subject.currency());
    let amount = |value: f64| words::amount(value, currency);
    let price = money.price.map_or_else(
        || "has no price".to_owned(),
        |price| format!("pays {}", amount(price)),
    );
    sentence(&format!(
        "{}, {} of all customers: one {price} a month and costs {} ({} infrastructure, {} fees); {}; \
         least price {}{}",
        name(&segment.name),
        words::share(segment.share),
        amount(money.cost()),
        amount(money.infrastructure),
        amount(money.fees),
        margin(segment),
        amount(money.floor),
        segment.target_margin.map_or_else(String::new, |target| format!(
            " for a margin of {}",
            words::share(target)
        ))
    ))
}

fn draw(subject: &Subject, segments: &[SegmentProjection], width: f64) -> Sheet {
    let mut sheet = Sheet::new(width, 8_000.0);
    let currency = subject.currency();
    let columns = Columns::split(
        (0.0, width),
        true,
        if sheet.is_wide() {
            [0.26, 0.2]
        } else {
            [0.22, 0.32]
        },
    );
    let most = segments
        .iter()
        .map(Money::of)
        .map(|money| money.price.unwrap_or(0.0).max(money.cost()).max(money.floor));
    let scale = Scale::linear(
        (0.0, rounded_up(most.fold(0.0, f64::max) * 1.02, 6)),
        columns.drawn,
    );
    let bottom = TOP + segments.len() as f64 * columns.height();
    sheet.text(STRONG, Anchor::Start, (0.0, 14.0), "One customer, a month");
    columns.axis(&mut sheet, &scale, (TOP, bottom), |tick| {
        axis::money(tick, currency)
    });
    for (index, segment) in segments.iter().enumerate() {
        let top = TOP + index as f64 * columns.height();
        let money = Money::of(segment);
        columns.rule(&mut sheet, top);
        let price = money.price.map_or_else(String::new, |price| {
            format!(" of {}", words::amount(price, currency))
        });
        let text = RowText {
            name: name(&segment.name),
            note: format!("{} of customers", words::share(segment.share)),
            value: format!("{}{price}", margin(segment)),
            value_note: format!(
                "costs {}{}",
                words::amount(money.cost(), currency),
                asked(segment)
            ),
        };
        columns.write(&mut sheet, top, &text);
        bar(&mut sheet, &scale, columns.middle(top), &money);
    }
    columns.rule(&mut sheet, bottom);
    sheet.text(
        MUTED,
        Anchor::Start,
        (0.0, 32.0),
        &MUTED.fit("blue: infrastructure, grey: fees, open: left", width),
    );
    sheet.height = bottom + 4.0;
    sheet
}

fn bar(sheet: &mut Sheet, scale: &Scale, middle: f64, money: &Money) {
    let (top, bottom) = (middle - HALF, middle + HALF);
    let (zero, infrastructure, cost) = (
        scale.at(0.0),
        scale.at(money.infrastructure),
        scale.at(money.cost()),
    );
    sheet.bar(
        "f0",
        Edges {
            left: zero,
            top,
            right: infrastructure.max(zero + 1.5),
            bottom,
        },
    );
    sheet.bar(
        "ff",
        Edges {
            left: infrastructure.max(zero + 1.5),
            top,
            right: cost,
            bottom,
        },
    );
    if let Some(price) = money.price {
        let right = scale.at(price);
        let corners = [
            (zero, top),
            (right, top),
            (right, bottom),
            (zero, bottom),
            (zero, top),
        ];
        sheet.faint_line("lm", &corners);
        if price < money.cost() {
            sheet.faint_line("lw", &[(right, top - 3.0), (right, bottom + 3.0)]);
        }
    }
    let floor = scale.at(money.floor);
    sheet.faint_line("lx", &[(floor, top - 4.0), (floor, bottom + 4.0)]);
}
